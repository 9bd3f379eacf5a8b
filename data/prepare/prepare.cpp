#include "data/prepare/prepare.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/log.h"
#include "core/system/folder_lock.h"
#include "core/system/progress_bar.h"
#include "data/corpus/corpus_listing.h"
#include "data/prepare/decoder_pool.h"
#include "data/prepare/prepare_writer.h"
#include "data/prepare/present_clips.h"
#include "data/prepare/retirement.h"
#include "data/shards/corpus_index.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

std::vector<ClipSource> take_part(std::vector<ClipSource> clips, int part, int parts) {
  std::vector<ClipSource> mine;
  for (std::size_t i = static_cast<std::size_t>(part); i < clips.size();
       i += static_cast<std::size_t>(parts)) {
    mine.push_back(std::move(clips[i]));
  }
  return mine;
}

void check_options(const PrepareOptions& options) {
  check_settings(options.settings);
  if (options.parts < 1 || options.part < 0 || options.part >= options.parts) {
    fail(ExitCode::kUsage, "--shard-of {}/{}: must be I/N with I from 0 to N - 1", options.part,
         options.parts);
  }
  if (options.workers < 0) fail(ExitCode::kUsage, "--workers: must be 0 or more");
  std::error_code error;
  if (fs::exists(options.output) && fs::equivalent(options.input, options.output, error)) {
    fail(ExitCode::kUsage, "{}: the output must be another folder than the corpus",
         options.output.string());
  }
}

class Preparation {
 public:
  Preparation(const PrepareOptions& options, const std::atomic<bool>& stop)
      : options_(options), stop_(stop), settings_(settings_json(options.settings)) {
    report_.settings = settings_;
    report_.part = options.part;
    report_.parts = options.parts;
  }

  PrepareReport run() {
    const auto start = std::chrono::steady_clock::now();
    CorpusListing listing = list_corpus(options_.input, options_.settings.captions);
    log_info("{}: {}, {} clips to prepare", options_.input.string(), listing.form,
             listing.clips.size());
    report_.form = listing.form;
    if (options_.part == 0) {
      report_.skipped = listing.skipped;
      report_.notes = listing.notes;
      report_.sources = static_cast<std::int64_t>(listing.skipped.size());
    }
    view_.origin = fs::canonical(options_.input).string();
    for (const ClipSource& source : listing.clips) view_.names.insert(source.name);
    sources_ = take_part(std::move(listing.clips), options_.part, options_.parts);

    fs::create_directories(options_.output);
    const FolderLock lock(
        options_.output / fmt::format(".prepare-{}-of-{}.lock", options_.part, options_.parts),
        /*wait_seconds=*/0,
        fmt::format("{}: another prepare is at work here; wait for its end, or share the work with "
                    "--shard-of",
                    options_.output.string()));
    present_ = PresentClips(options_.output, settings_);
    std::exception_ptr failure;
    try {
      if (!sources_.empty()) work();
    } catch (...) {
      failure = std::current_exception();
    }
    report_.stopped = failure != nullptr || stop_.load();
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    conclude(failure);
    return report_;
  }

 private:
  void work() {
    PrepareWriter writer({.folder = options_.output,
                          .part = options_.part,
                          .parts = options_.parts,
                          .shard_bytes = options_.shard_bytes,
                          .settings = settings_});
    const int cores = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
    const int wanted = options_.workers > 0 ? options_.workers : cores;
    const int workers = std::min(
        wanted, static_cast<int>(std::min<std::size_t>(sources_.size(), std::size_t{1} << 16)));
    DecodeLimits limits = options_.limits;
    limits.frame_bytes = std::min(limits.frame_bytes, most_frame_bytes(options_.settings));
    SourceQueue queue(sources_, settings_, options_.output);
    std::atomic<bool> halt{false};
    std::atomic<std::int64_t> frames{0};
    const PrepareContext context{
        .settings = options_.settings,
        .origin = view_.origin,
        .sources = sources_,
        .present = present_,
        .scratch = options_.output,
        .store_bytes = options_.frame_memory / static_cast<std::size_t>(workers),
        .decoder_threads = wanted / workers,
        .stop = halt,
        .writer = writer,
        .frames = frames};
    std::exception_ptr failure;
    {
      ProgressBar bar(static_cast<double>(sources_.size()));
      std::size_t done = 0;
      DecoderPool pool(context, limits, queue, workers, [&](const SourceOutcome& outcome) {
        ++done;
        note(outcome);
      });
      try {
        pool.wait(stop_, halt, [&] {
          bar.update(
              static_cast<double>(done),
              fmt::format("{}/{} files, {} clips, {} skipped, {} frames", done, sources_.size(),
                          writer.clips(), report_.skipped.size(), frames.load()));
        });
      } catch (...) {
        failure = std::current_exception();
      }
    }
    writer.finish();
    report_.clips_made = writer.clips();
    report_.frames_decoded = frames.load();
    if (failure) std::rethrow_exception(failure);
  }

  // What is to be said of a source.
  void note(const SourceOutcome& outcome) {
    const std::string& name = sources_[outcome.number].name;
    const auto add_note = [&](const char* kind, const std::string& text) {
      report_.notes.push_back({name, kind, text});
    };
    ++report_.sources;
    if (!outcome.identity.empty()) {
      ++read_[name];
      view_.identities[name].insert(outcome.identity);
    }
    report_.rests += outcome.dropped.pieces;
    report_.rest_frames += outcome.dropped.frames;
    if (outcome.twice) add_note(remark::kSameClip, {});
    if (outcome.complete) ++report_.sources_present;
    if (outcome.twice || outcome.complete) return;
    const std::int64_t clips = outcome.made + outcome.present;
    if (clips == 0 && !outcome.problem.empty()) {
      report_.skipped.push_back({name, remark::kUnusable, outcome.problem});
    } else if (clips == 0) {
      report_.skipped.push_back(
          {name, remark::kTooShort,
           fmt::format("{} frame{}, and no scene has {} (--min-frames)", outcome.frames,
                       outcome.frames == 1 ? "" : "s", options_.settings.lengths.shortest)});
    } else {
      if (!outcome.problem.empty())
        add_note(remark::kDamaged,
                 fmt::format("{}; the {} clips before that are used", outcome.problem, clips));
      if (outcome.dropped.frames > 0)
        add_note(remark::kRests,
                 fmt::format("{} frames in {} piece{}", outcome.dropped.frames,
                             outcome.dropped.pieces, outcome.dropped.pieces == 1 ? "" : "s"));
      for (const std::string& note : outcome.notes) {
        // "kind: particulars"
        const std::size_t colon = std::min(note.find(": "), note.size());
        report_.notes.push_back(
            {name, note.substr(0, colon), note.substr(std::min(colon + 2, note.size()))});
      }
    }
  }

  // Whose clips count no more. Names of which a source was not read are left as they are.
  Retirement retirement(const std::set<std::string>& before) {
    std::map<std::string, std::int64_t> wanted;
    for (const ClipSource& source : sources_) ++wanted[source.name];
    for (const auto& [name, count] : wanted)
      if (read_[name] < count) view_.identities.erase(name);
    return retire(view_, present_.origins(), before);
  }

  // The index and the report of what is there, also after a failure.
  void conclude(const std::exception_ptr& failure) {
    try {
      const FolderLock lock(options_.output / ".index.lock", FolderLock::kForever, {});
      if (!list_shards(options_.output).empty()) build_index();
      std::ranges::sort(report_.skipped, {}, &FileRemark::name);
      std::ranges::sort(report_.notes, {}, &FileRemark::name);
      write_report(options_.output, report_);
    } catch (const std::exception& error) {
      if (!failure) throw;
      log_error("{}", error.what());
    }
    if (failure) std::rethrow_exception(failure);
  }

  void build_index() {
    ChoiceRules rules = CorpusIndex::rules_of(options_.output);
    Retirement retired = retirement(rules.retired);
    rules.retired = std::move(retired.identities);
    rules.held_out = options_.settings.validation;
    for (const std::string& name : retired.changed)
      report_.notes.push_back({name, remark::kChanged, {}});
    for (const std::string& name : retired.removed)
      report_.notes.push_back({name, remark::kGone, {}});
    const CorpusIndex index = CorpusIndex::build(options_.output, rules);
    for (const CorpusClip& clip : index.clips())
      ++(clip.validation ? report_.clips_validation : report_.clips_train);
    report_.clips_retired = index.choice().retired;
    report_.clips_duplicate = index.choice().duplicates;
    report_.clips_shared = index.choice().shared;
  }

  const PrepareOptions& options_;
  const std::atomic<bool>& stop_;
  std::string settings_;
  std::vector<ClipSource> sources_;  // of this part
  PresentClips present_;
  CorpusView view_;
  std::map<std::string, std::int64_t> read_;  // sources of each name
  PrepareReport report_;
};

}  // namespace

PrepareReport prepare_corpus(const PrepareOptions& options, const std::atomic<bool>& stop) {
  check_options(options);
  PrepareReport report = Preparation(options, stop).run();
  if (stop.load()) {
    fail(ExitCode::kPreempted,
         "stopped; {} clips of this call are safe in {}: the same command goes on from there",
         report.clips_made, options.output.string());
  }
  if (options.parts == 1 && report.clips_train + report.clips_validation == 0) {
    fail(ExitCode::kCorrupt, "{}: no clip can be used; skipped:\n  {}\nAll reasons are in {}",
         options.input.string(), fmt::join(summarise(report.skipped), "\n  "),
         (options.output / "report.json").string());
  }
  return report;
}

}  // namespace muybridge
