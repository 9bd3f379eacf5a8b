#include "data/prepare/prepare.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/folder_lock.h"
#include "core/log.h"
#include "data/corpus/corpus_listing.h"
#include "data/prepare/holdout.h"
#include "data/prepare/prepare_decoder.h"
#include "data/prepare/prepare_progress.h"
#include "data/prepare/prepare_queue.h"
#include "data/prepare/prepare_writer.h"
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

// Decoding threads, joined whatever happens; the first failure of any is kept.
class DecoderPool {
 public:
  DecoderPool(const PrepareContext& context, int count, std::atomic<bool>& halt)
      : queue_(context.queue), halt_(halt) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, &context] {
        try {
          run_prepare_decoder(context);
        } catch (...) {
          const std::scoped_lock lock(mutex_);
          if (!failure_) failure_ = std::current_exception();
          queue_.stop();
        }
      });
    }
  }
  ~DecoderPool() { join(); }
  DecoderPool(const DecoderPool&) = delete;
  DecoderPool& operator=(const DecoderPool&) = delete;

  // Ends what they are doing.
  void join() {
    halt_ = true;
    queue_.stop();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  PrepareQueue& queue_;
  std::atomic<bool>& halt_;
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

// Passes *stop on to whoever waits.
class StopWatch {
 public:
  StopWatch(const std::atomic<bool>& stop, std::atomic<bool>& halt, PrepareQueue& queue)
      : thread_([this, &stop, &halt, &queue] {
          while (!done_.load()) {
            if (stop.load()) {
              halt = true;
              queue.stop();
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
          }
        }) {}
  ~StopWatch() {
    done_ = true;
    thread_.join();
  }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

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

// Clips of files that look different now than when they were prepared.
void note_stale(const PresentUnits& present, const std::vector<ClipSource>& sources,
                const std::set<std::string>& current, PrepareReport& report) {
  std::set<std::string> names;
  for (const ClipSource& source : sources) names.insert(source.name);
  std::set<std::string> told;
  for (const PresentUnits::Origin& origin : present.origins()) {
    if (current.contains(origin.unit) || !names.contains(origin.source)) continue;
    if (!told.insert(origin.source).second) continue;
    report.notes.push_back(
        {origin.source,
         fmt::format("the file or its caption has changed; the older clips are still "
                     "in {}: delete it and prepare again to be rid of them",
                     origin.shard)});
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
    const Holdout holdout(options_.settings.validation, listing.clips.size());
    const std::vector<ClipSource> sources =
        take_part(std::move(listing.clips), options_.part, options_.parts);

    fs::create_directories(options_.output);
    const FolderLock lock(
        options_.output / fmt::format(".prepare-{}-of-{}.lock", options_.part, options_.parts),
        /*wait_seconds=*/0,
        fmt::format("{}: another prepare is at work here; wait for its end, or share the work with "
                    "--shard-of",
                    options_.output.string()));
    const PresentUnits present(options_.output, settings_);
    std::exception_ptr failure;
    try {
      work(sources, holdout, present);
    } catch (...) {
      failure = std::current_exception();
    }
    report_.stopped = failure != nullptr || stop_.load();
    report_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    publish(failure);
    return report_;
  }

 private:
  void work(const std::vector<ClipSource>& sources, const Holdout& holdout,
            const PresentUnits& present) {
    PrepareWriter writer({.folder = options_.output,
                          .part = options_.part,
                          .parts = options_.parts,
                          .shard_bytes = options_.shard_bytes,
                          .settings = settings_},
                         sources, holdout, present, report_);
    const int workers = worker_count(sources.size());
    PrepareQueue queue(sources.size(),
                       usual_unit_bytes(options_.settings) * static_cast<std::size_t>(workers));
    SourceOpener opener(sources, options_.output);
    DecodeLimits limits = options_.limits;
    limits.frame_bytes = std::min(limits.frame_bytes, most_frame_bytes(options_.settings));
    std::atomic<bool> halt{false};
    const PrepareContext context{
        options_.settings, settings_, sources, present, limits, halt, opener, queue};
    std::set<std::string> current;
    bool complete = false;
    {
      const StopWatch watch(stop_, halt, queue);
      DecoderPool pool(context, workers, halt);
      complete = write_results(queue, writer, sources.size(), current);
      pool.join();
      if (!complete && !stop_.load()) {
        writer.finish(false);
        pool.rethrow();
      }
    }
    writer.finish(complete);
    if (complete) note_stale(present, sources, current, report_);
  }

  // True if every unit was written.
  bool write_results(PrepareQueue& queue, PrepareWriter& writer, std::size_t sources,
                     std::set<std::string>& current) {
    PrepareProgress progress(sources);
    std::size_t done = 0;
    while (std::optional<PreparedUnit> unit = queue.next_result()) {
      const bool last = unit->last;
      current.insert(unit->identity);
      writer.add(std::move(*unit));
      if (last) ++done;
      progress.show(static_cast<double>(done), report_.clips_made,
                    static_cast<std::int64_t>(report_.skipped.size()), report_.frames_decoded);
    }
    return done == sources;
  }

  int worker_count(std::size_t sources) const {
    const int cores = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
    const int wanted = options_.workers > 0 ? options_.workers : cores;
    return sources == 0 ? 0 : wanted;
  }

  // The index and the report of what is there, also after a failure.
  void publish(const std::exception_ptr& failure) {
    try {
      const FolderLock lock(options_.output / ".index.lock", FolderLock::kForever, {});
      if (!list_shards(options_.output).empty()) {
        const CorpusIndex index = CorpusIndex::build(options_.output);
        for (const CorpusClip& clip : index.clips()) {
          ++(clip.validation ? report_.clips_validation : report_.clips_train);
        }
      }
      write_report(options_.output, report_);
    } catch (const std::exception& error) {
      if (!failure) throw;
      log_error("{}", error.what());
    }
    if (failure) std::rethrow_exception(failure);
  }

  const PrepareOptions& options_;
  const std::atomic<bool>& stop_;
  std::string settings_;
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
    fail(ExitCode::kCorrupt, "{}: no clip can be used, {} files were skipped; see {}",
         options.input.string(), report.skipped.size(), (options.output / "report.json").string());
  }
  return report;
}

}  // namespace muybridge
