#include "data/corpus/caption_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "data/corpus/media_files.h"

namespace muybridge {
namespace {

std::size_t name_start(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? 0 : slash + 1;
}

// "x/a.b" of "x/a.b.mp4".
std::string_view stem_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos || dot <= name_start(path) ? path : path.substr(0, dot);
}

// "x/a" of "x/a.b.mp4", and what lies between that and the ending: "b".
std::string_view sample_of(std::string_view path) {
  return path.substr(0, path.find('.', name_start(path)));
}
std::string_view middle_of(std::string_view path) {
  const std::string_view stem = stem_of(path);
  const std::size_t sample = sample_of(path).size();
  return sample < stem.size() ? stem.substr(sample + 1) : std::string_view();
}

int rank_of(std::string_view caption) {
  const std::string ending = lower_ending(caption);
  return ending == ".txt" ? 0 : ending == ".caption" ? 1 : 2;
}

// Whether the middle of a name is one as WebDataset has it ("en", "seg"), and not the rest of a
// title or a number, as in "take 1.5.mp4".
bool is_part(std::string_view middle) {
  const auto is_letter = [](unsigned char letter) { return letter >= 'a' && letter <= 'z'; };
  return !middle.empty() && is_letter(static_cast<unsigned char>(middle.front())) &&
         std::all_of(middle.begin(), middle.end(), [&](unsigned char letter) {
           return is_letter(letter) || std::isdigit(letter) != 0 || letter == '.' ||
                  letter == '_' || letter == '-';
         });
}

class Pairing {
 public:
  Pairing(const std::vector<std::string>& media, const std::vector<std::string>& captions)
      : media_(media), captions_(captions), used_(captions.size()), tried_(media.size()) {
    pairs_.media.resize(media.size());
  }

  CaptionPairs run(bool samples) {
    // Full names first, since "a.mp4.txt" can be of no other clip.
    match([](std::string_view name) { return std::string(name); }, stem_key, nullptr);
    match(stem_key, stem_key, nullptr);
    match([](std::string_view name) { return lower(stem_key(name)); },
          [](std::string_view name) { return lower(stem_key(name)); }, remark::kCaptionByCase);
    if (samples) match_samples();
    for (std::size_t i = 0; i < captions_.size(); ++i) {
      if (!used_[i]) pairs_.alone.push_back(static_cast<int>(i));
    }
    return std::move(pairs_);
  }

 private:
  struct Group {
    std::vector<std::size_t> media;
    std::vector<std::size_t> captions;
  };

  static std::string stem_key(std::string_view name) { return std::string(stem_of(name)); }

  // Those not paired yet, by a key of their names.
  template <class MediaKey, class CaptionKey>
  std::unordered_map<std::string, Group> groups(const MediaKey& media_key,
                                                const CaptionKey& caption_key) const {
    std::unordered_map<std::string, Group> result;
    for (std::size_t i = 0; i < captions_.size(); ++i) {
      if (!used_[i]) result[caption_key(captions_[i])].captions.push_back(i);
    }
    for (std::size_t i = 0; i < media_.size(); ++i) {
      if (tried_[i]) continue;
      const auto found = result.find(media_key(media_[i]));
      if (found != result.end()) found->second.media.push_back(i);
    }
    return result;
  }

  template <class MediaKey, class CaptionKey>
  void match(const MediaKey& media_key, const CaptionKey& caption_key, const char* note) {
    for (auto& [key, group] : groups(media_key, caption_key)) {
      // "A.txt" and "a.txt" are two names; which one is meant nobody knows.
      if (note != nullptr && several_stems(group.captions)) continue;
      assign(group, note);
    }
  }

  bool several_stems(const std::vector<std::size_t>& captions) const {
    return std::any_of(captions.begin(), captions.end(), [&](std::size_t i) {
      return stem_of(captions_[i]) != stem_of(captions_[captions.front()]);
    });
  }

  void match_samples() {
    const auto key = [](std::string_view name) { return std::string(sample_of(name)); };
    for (auto& [sample, group] : groups(key, key)) {
      const auto is_title = [](std::string_view middle) {
        return !middle.empty() && !is_part(middle);
      };
      std::erase_if(group.media, [&](std::size_t i) { return is_title(middle_of(media_[i])); });
      if (group.media.empty()) continue;
      // Either the clip or the caption has a middle: "a.en.txt" is not of "a.left.mp4".
      const bool parted = !middle_of(media_[group.media.front()]).empty();
      std::erase_if(group.captions, [&](std::size_t i) {
        const std::string_view middle = middle_of(captions_[i]);
        return is_title(middle) || parted == !middle.empty();
      });
      assign(group, nullptr);
    }
  }

  // Gives the best caption of a group to its only clip, or to its only video.
  void assign(const Group& group, const char* note) {
    if (group.captions.empty() || group.media.empty()) return;
    const std::size_t best = *std::min_element(
        group.captions.begin(), group.captions.end(), [&](std::size_t a, std::size_t b) {
          return std::tuple(rank_of(captions_[a]), std::string_view(captions_[a])) <
                 std::tuple(rank_of(captions_[b]), std::string_view(captions_[b]));
        });
    const auto is_video = [&](std::size_t i) { return is_video_name(media_[i]); };
    const auto videos = std::count_if(group.media.begin(), group.media.end(), is_video);
    for (const std::size_t caption : group.captions) used_[caption] = true;
    for (const std::size_t i : group.media) {
      PairedMedia& pair = pairs_.media[i];
      tried_[i] = true;
      if (group.media.size() > 1 && (videos != 1 || !is_video(i))) {
        pair.problem = shared(i, group, best);
        continue;
      }
      pair.caption = static_cast<int>(best);
      if (note != nullptr) pair.note = {note, captions_[best]};
      if (several_stems(group.captions)) {
        pair.note = {remark::kSeveralCaptions,
                     fmt::format("{} of {}", captions_[best], group.captions.size())};
      }
    }
  }

  Finding shared(std::size_t clip, const Group& group, std::size_t caption) const {
    const std::size_t other =
        group.media.front() == clip ? group.media.back() : group.media.front();
    return {remark::kCaptionShared,
            fmt::format("{} could be of {} as well; call its own {}.txt", captions_[caption],
                        media_[other], media_[clip].substr(name_start(media_[clip])))};
  }

  const std::vector<std::string>& media_;
  const std::vector<std::string>& captions_;
  std::vector<bool> used_;
  std::vector<bool> tried_;
  CaptionPairs pairs_;
};

}  // namespace

CaptionPairs pair_captions(const std::vector<std::string>& media,
                           const std::vector<std::string>& captions, bool samples) {
  return Pairing(media, captions).run(samples);
}

}  // namespace muybridge
