#include "data/media/video_container.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/error.h"

namespace muybridge {
namespace {

// Containers of pictures, none that names other files (playlists, concat scripts).
constexpr const char* kFormats =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h261,h263,h264,"
    "hevc,m4v,vc1,vc1test,dirac,cavsvideo,mjpeg,mjpeg_2000,smjpeg,mpjpeg,ivf,nut,gif,apng,mxf,gxf,"
    "dv,dnxhd,obu,rm,wtv,nuv,nsv,roq,swf,flic,yuv4mpegpipe,"
    "bmp_pipe,jpeg_pipe,jpegls_pipe,png_pipe,ppm_pipe,pgm_pipe,pbm_pipe,pam_pipe,tiff_pipe,"
    "webp_pipe";

// Those whose header says how long the longest of their streams is, not each.
constexpr std::string_view kLengthOfAll[] = {"matroska,webm", "flv", "asf"};

int refuse_other_files(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

}  // namespace

Orientation orientation_of(const std::int32_t* matrix) {
  double a = matrix[0];
  double b = matrix[1];
  const double c = matrix[3];
  const double d = matrix[4];
  Orientation result;
  result.mirror = a * d - b * c < 0;
  if (result.mirror) a = -a, b = -b;
  if (a != 0 || b != 0) {
    const double quarters = std::atan2(b, a) / (M_PI / 2);
    result.quarter_turns = (static_cast<int>(std::lround(quarters)) + 4) % 4;
  }
  return result;
}

VideoContainer::VideoContainer(VideoFile& file, bool torn) : file_(file), io_(file.rewound()) {
  open();
  choose_stream(torn);
  packets_.emplace(*demuxer_, *stream_);
  look_at_index();
}

void VideoContainer::refuse(const std::string& what, int error) const {
  file_.check();
  fail(ExitCode::kCorrupt, "{}: {}", what, explained(av_reason(with_memory(error))));
}

void VideoContainer::open() {
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) throw std::bad_alloc();
  context->pb = io_.get();
  context->flags |= AVFMT_FLAG_CUSTOM_IO;
  context->io_open = &refuse_other_files;
  context->format_whitelist = av_strdup(kFormats);
  const int opened = avformat_open_input(&context, "", nullptr, nullptr);
  if (opened < 0 && explained("").find("whitelist") != std::string::npos) {
    fail(ExitCode::kCorrupt, "not a video or image that can be read: a playlist or a rare format");
  }
  if (opened < 0) refuse("not a video or image that can be read", opened);
  demuxer_.reset(context);
  const int probed = avformat_find_stream_info(context, nullptr);
  if (probed < 0) refuse("its streams cannot be read", probed);
}

void VideoContainer::choose_stream(bool torn) {
  AVFormatContext* context = demuxer_.get();
  const int index = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  const bool cover =
      index >= 0 && (context->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (index < 0 || cover) {
    const bool audio = av_find_best_stream(context, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0) >= 0;
    fail(ExitCode::kCorrupt, "no video stream{}{}", audio ? ", only audio" : "",
         torn ? ": the file breaks off" : "");
  }
  stream_ = context->streams[index];
  for (unsigned i = 0; i < context->nb_streams && !says_length_of_all(); ++i) {
    if (static_cast<int>(i) != index) context->streams[i]->discard = AVDISCARD_ALL;
  }
  const auto* matrix = reinterpret_cast<const std::int32_t*>(
      av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
  facts_ = image_facts([this](std::uint64_t at, void* out, std::size_t bytes) {
    return file_.read_at(at, out, bytes);
  });
  if (!facts_.unreadable.empty()) fail(ExitCode::kCorrupt, "{}", facts_.unreadable);
  orientation_ = matrix != nullptr ? orientation_of(matrix) : facts_.orientation;
}

void VideoContainer::look_at_index() {
  const int entries = avformat_index_get_entries_count(stream_);
  for (int i = 0; i < entries && !cut_off_; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(stream_, i);
    cut_off_ = entry->pos >= 0 && entry->pos + entry->size > file_.size();
  }
}

bool VideoContainer::says_length_of_all() const {
  return std::find(std::begin(kLengthOfAll), std::end(kLengthOfAll), demuxer_->iformat->name) !=
         std::end(kLengthOfAll);
}

double VideoContainer::promised_seconds() const {
  if (is_image() || demuxer_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return 0;
  if (says_length_of_all()) {
    return demuxer_->duration > 0 ? static_cast<double>(demuxer_->duration) / AV_TIME_BASE : 0;
  }
  return stream_->duration > 0 ? seconds() : 0;
}

bool VideoContainer::is_image() const {
  const std::string_view format = demuxer_->iformat->name;
  return facts_.one_picture || format.ends_with("_pipe");
}

double VideoContainer::rate() const {
  for (const AVRational rate : {stream_->avg_frame_rate, stream_->r_frame_rate}) {
    if (rate.num > 0 && rate.den > 0 && av_q2d(rate) < 1000) return av_q2d(rate);
  }
  return 0;
}

double VideoContainer::seconds() const {
  if (stream_->duration > 0) {
    return static_cast<double>(stream_->duration) * av_q2d(stream_->time_base);
  }
  return demuxer_->duration > 0 ? static_cast<double>(demuxer_->duration) / AV_TIME_BASE : 0;
}

double VideoContainer::end_of(const AVPacket& packet) const {
  const AVStream& stream = *demuxer_->streams[packet.stream_index];
  const std::int64_t begin = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (begin == AV_NOPTS_VALUE) return 0;
  const std::int64_t origin =
      says_length_of_all() || stream.start_time == AV_NOPTS_VALUE ? 0 : stream.start_time;
  return static_cast<double>(begin - origin + packet.duration) * av_q2d(stream.time_base);
}

}  // namespace muybridge
