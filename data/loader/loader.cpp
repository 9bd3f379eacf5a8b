#include "data/loader/loader.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/log.h"

namespace muybridge {
namespace {

std::vector<std::int64_t> tokens_of(const std::vector<SelectedClip>& clips) {
  std::vector<std::int64_t> tokens;
  tokens.reserve(clips.size());
  for (const SelectedClip& clip : clips) tokens.push_back(clip.grid.tokens());
  return tokens;
}

std::vector<SelectedClip> select_some(const CorpusIndex& corpus, const LoaderOptions& options) {
  std::vector<SelectedClip> clips = select_clips(corpus, options.split, options);
  if (clips.empty())
    fail(ExitCode::kUsage, "{}: no clip of split '{}' can be used", corpus.folder().string(),
         options.split);
  return clips;
}

}  // namespace

void to_json(nlohmann::json& json, const LoaderPosition& position) {
  json = {{"step", position.step},
          {"next_sample", position.packer.next_sample},
          {"pending", position.packer.pending},
          {"corpus", position.corpus}};
}

void from_json(const nlohmann::json& json, LoaderPosition& position) {
  json.at("step").get_to(position.step);
  json.at("next_sample").get_to(position.packer.next_sample);
  json.at("pending").get_to(position.packer.pending);
  json.at("corpus").get_to(position.corpus);
}

Loader::Loader(const CorpusIndex& corpus, const LoaderOptions& options, int rank, int ranks)
    : corpus_(&corpus),
      options_(options),
      rank_(rank),
      ranks_(ranks),
      clips_(select_some(corpus, options)),
      builder_(corpus, options),
      packer_(tokens_of(clips_),
              {options.token_budget, options.micro_batches, options.seed, options.cost}) {
  if (ranks <= 0 || rank < 0 || rank >= ranks)
    fail(ExitCode::kInternal, "loader: there is no rank {} of {}", rank, ranks);
  if (options.threads <= 0 || options.prefetch <= 0)
    fail(ExitCode::kUsage, "loader: {} threads that prefetch {} micro-batches; at least 1 each",
         options.threads, options.prefetch);
  position_.corpus = corpus.identity();
  start();
}

Loader::~Loader() { stop(); }

void Loader::start() {
  stopping_ = false;
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
}

void Loader::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  may_work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Loader::plan_step() {
  const std::vector<MicroBatch> step = packer_.next_step();
  ++planned_steps_;
  const std::vector<int> mine = assign_to_ranks(step, ranks_)[static_cast<std::size_t>(rank_)];
  const std::size_t first = jobs_.size();
  for (const int index : mine) {
    auto job = std::make_unique<Job>();
    for (const Draw& draw : step[static_cast<std::size_t>(index)].draws)
      job->clips.push_back({draw.sample, clips_[static_cast<std::size_t>(draw.item)]});
    jobs_.push_back(std::move(job));
  }
  if (mine.empty()) jobs_.push_back(std::make_unique<Job>());
  jobs_[first]->of_step = static_cast<int>(mine.size());
  jobs_.back()->ends_step = true;
  jobs_.back()->after = {planned_steps_, packer_.position(), corpus_->identity()};
}

void Loader::work() {
  std::vector<std::byte> scratch;
  std::unique_lock lock(mutex_);
  for (;;) {
    may_work_.wait(
        lock, [&] { return stopping_ || begun_ < static_cast<std::size_t>(options_.prefetch); });
    if (stopping_) return;
    if (begun_ == jobs_.size()) plan_step();
    Job& job = *jobs_[begun_++];
    is_done_.notify_all();  // begin_step waits for a plan, not for its batches
    lock.unlock();
    Batch batch;
    std::exception_ptr failure;
    try {
      if (!job.clips.empty()) batch = builder_.build(job.clips, &scratch);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    job.batch = std::move(batch);
    job.failure = failure;
    job.done = true;
    is_done_.notify_all();
  }
}

std::unique_ptr<Loader::Job> Loader::take(std::unique_lock<std::mutex>& lock) {
  const auto is_ready = [&] { return begun_ > 0 && jobs_.front()->done; };
  if (!is_ready()) {
    const auto begin = std::chrono::steady_clock::now();
    is_done_.wait(lock, is_ready);
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
    wait_seconds_ += waited.count();
  }
  if (jobs_.front()->failure) std::rethrow_exception(jobs_.front()->failure);
  std::unique_ptr<Job> job = std::move(jobs_.front());
  jobs_.pop_front();
  --begun_;
  if (job->ends_step) position_ = job->after;
  may_work_.notify_one();
  return job;
}

int Loader::begin_step() {
  std::unique_lock lock(mutex_);
  is_done_.wait(lock, [&] { return begun_ > 0; });
  const int count = jobs_.front()->of_step;
  if (count == 0) take(lock);
  return count;
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  std::unique_ptr<Job> job;
  do job = take(lock);
  while (job->clips.empty());
  return std::move(job->batch);
}

LoaderPosition Loader::position() const {
  const std::scoped_lock lock(mutex_);
  return position_;
}

void Loader::restore(const LoaderPosition& position) {
  check_position(position.packer);
  stop();
  if (position.corpus != corpus_->identity())
    log_warning("{}: the corpus has changed since the checkpoint; its present clips are used",
                corpus_->folder().string());
  packer_.restore(position.packer);
  planned_steps_ = position.step;
  jobs_.clear();
  begun_ = 0;
  position_ = position;
  position_.corpus = corpus_->identity();
  start();
}

int Loader::ready() const {
  const std::scoped_lock lock(mutex_);
  const auto first = std::ranges::find(jobs_, false, &Job::done);
  return static_cast<int>(first - jobs_.begin());
}

double Loader::wait_seconds() const {
  const std::scoped_lock lock(mutex_);
  return wait_seconds_;
}

}  // namespace muybridge
