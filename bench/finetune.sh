#!/usr/bin/env bash
# Does fine-tuning pay? Twenty clips of a motion that the demo's model has never seen (things that go
# round in circles), trained for the same number of steps from the demo's checkpoint and from nothing;
# the loss on twelve other clips of that motion is the result. Wants ffmpeg and runs/shapes.
#   bench/finetune.sh [STEPS]      (default 200)
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-200}
every=$((steps / 4))
muybridge=build/release/muybridge
[[ -e runs/shapes/checkpoints/latest ]] || { echo "run ./launch/demo.sh first" >&2; exit 2; }
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

# clip FOLDER NUMBER: a disc or a square on its way round, at a place and pace of its own.
clip() {
  local names=(red green blue yellow purple white) levels=(235:45:45 45:205:75 50:85:240 240:220:50 175:60:215 240:240:240)
  local n=$2 k=$(($2 % 6)) r g b inside kind
  IFS=: read -r r g b <<<"${levels[k]}"
  local way="$((12 + n % 5))" turn="6.2832*(T/2+$n*0.37)" x y
  x="(X-32-$way*cos($turn))" y="(Y-32-$way*sin($turn))"
  if ((n % 2)); then
    kind=circle inside="lt(hypot($x\,$y)\,$((8 + n % 3)))"
  else
    kind=square inside="lt(max(abs($x)\,abs($y))\,$((7 + n % 3)))"
  fi
  ffmpeg -v error -y -f lavfi -i "color=black:size=64x64:rate=8:duration=2,format=gbrp,geq=r='if($inside,$r,25)':g='if($inside,$g,25)':b='if($inside,$b,25)'" \
    -c:v libx264 -pix_fmt yuv444p -crf 12 "$1/$(printf '%03d' "$n").mp4"
  echo "a ${names[k]} $kind goes round" >"$1/$(printf '%03d' "$n").txt"
}

for part in train validation; do
  [[ -e prepared/round-$part/index.json ]] && continue
  mkdir -p "corpora/round-$part"
  [[ $part == train ]] && numbers=$(seq 0 19) || numbers=$(seq 100 111)
  for n in $numbers; do clip "corpora/round-$part" "$n"; done
  $muybridge prepare "corpora/round-$part" "prepared/round-$part" --size 32x32 --frames 16 --fps 8 --validation 0
done

# losses NAME SETTING...: trains, and prints the validation losses.
losses() {
  local name=$1
  shift
  rm -rf "runs/$name"
  mpirun -np 2 --bind-to none --oversubscribe $muybridge train configs/finetune.yaml "run.name=$name" \
    data.train=prepared/round-train data.validation=prepared/round-validation "train.steps=$steps" \
    "eval.every=$every" eval.samples=6 "$@" >"runs/$name.log" 2>&1 || { tail "runs/$name.log" >&2; exit 1; }
  sed -n -E 's/.*"step":([0-9]+),.*"validation_loss":([0-9.e-]+).*/\1 \2/p' "runs/$name/metrics.jsonl"
}

mkdir -p runs
tuned=$(losses round-tuned)
fresh=$(losses round-fresh train.init_from= optimizer.learning_rate=3e-3)
printf '| step | from the demo'"'"'s checkpoint | from nothing |\n|---|---|---|\n'
paste -d ' ' <(echo "$tuned") <(echo "$fresh") | awk '{ printf "| %d | %.4f | %.4f |\n", $1, $2, $4 }'
