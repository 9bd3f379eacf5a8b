#!/usr/bin/env bash
# The main job on one machine: from a folder of videos to clips that follow their prompts.
# Stopped at any moment, the same command goes on from where it was.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: ./launch/demo.sh [CLIPS] [a.b=c ...]

  without CLIPS    makes a corpus of coloured shapes that move, trains on it, scores the result
  with CLIPS       a folder of your own clips, each with its caption in a text file of the same
                   name (swing.mp4, swing.txt), or in any other form that `prepare` reads
  a.b=c            changes a setting of configs/shapes.yaml, e.g. train.steps=200

It installs and builds what is missing, writes to corpora/, prepared/ and runs/, and ends by
printing the scores and the gallery's path. RANKS=N sets the number of processes (default 2).
TEXT
}

say() { printf '\n== %s\n' "$*"; }
die() {
  printf 'demo: %s\n' "$*" >&2
  exit 2
}

clips=
overrides=()
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    -*) die "unknown option $argument; see ./launch/demo.sh --help" ;;
    *.*=*) overrides+=("$argument") ;;
    *)
      [[ -z $clips ]] || die "one folder of clips at a time; there are $clips and $argument"
      [[ -d $argument ]] || die "$argument is not a folder"
      clips=$(realpath -- "$argument")
      ;;
  esac
done

# Says what a folder of clips surely lacks before anything is installed or built; `prepare` knows the
# rest, and every form in which captions come.
check_clips() {
  local first
  first=$(find -L "$clips" -type f -not -name '.*' -print -quit)
  [[ $first ]] || die "no files are in $clips"
  [[ $(find -L "$clips" -type f -regextype posix-extended -iregex \
    '.*\.(txt|caption|json|jsonl|ndjson|csv|tsv|tar|tgz|tbz2|txz|tzst|tar\.[a-z0-9]+)' -print -quit) ]] ||
    die "nothing in $clips holds captions.
      Put a text file of the same name beside each clip, one sentence that says what is seen:
        echo 'a red kite rises' > '${first%.*}.txt'"
}

[[ -z $clips ]] || check_clips
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Open MPI asks for these two before it starts anything as root.
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
# Ranks share the cores among themselves; more ranks than cores is slow, but works.
readonly ranks=(launch/mpirun.sh -np "${RANKS:-2}" --bind-to none --oversubscribe)
readonly muybridge=build/release/muybridge

goodbye() {
  local code=$?
  ((code == 0)) || printf '\ndemo: stopped, exit code %d; the same command goes on from where it was\n' "$code" >&2
}
trap goodbye EXIT

# part NAME COMMAND...: runs it and adds to the line of times.
times=
part() {
  local name=$1 from=$SECONDS
  shift
  "$@"
  times+="$name $((SECONDS - from)), "
}

say "set-up"
./launch/setup.sh
began=$SECONDS

shape=(--size 32x32 --frames 16)
scored=()
if [[ $clips ]]; then
  name=$(basename -- "$clips" | tr -c 'A-Za-z0-9_\n' '-')
  name=my-${name#my-}  # apart from the run of the shapes
  # What configs/shapes.yaml trains on, at the speed at which its samples play.
  shape+=(--fps 8 --min-frames 4 --frame-step 2)
  overrides=("run.name=$name" "data.train=prepared/$name" eval.prompts= "${overrides[@]}")
else
  name=shapes
  scored=(eval.samples=72)  # every prompt once
  clips=corpora/shapes
  say "a corpus of moving shapes in $clips"
  part corpus $muybridge corpus make shapes "$clips"
fi

say "prepare: $clips"
part prepare $muybridge prepare "$clips" "prepared/$name" "${shape[@]}"
say "train: runs/$name, ${RANKS:-2} ranks"
part train "${ranks[@]}" $muybridge train configs/shapes.yaml "${overrides[@]}"
say "evaluate"
part evaluate "${ranks[@]}" $muybridge evaluate "runs/$name" "${scored[@]}"

memory=$(sed -n -E 's/.*"peak_memory_bytes": *([0-9]+).*/\1/p' "runs/$name/report.json" | head -n 1)
say "done"
printf 'seconds: %sin all %d after the build\n' "$times" $((SECONDS - began))
printf 'peak memory of a rank: %d MB\n' $((${memory:-0} / 1000000))
printf 'scores and all other numbers: runs/%s/report.json\n' "$name"
printf 'gallery: %s\n' "$PWD/runs/$name/index.html"
