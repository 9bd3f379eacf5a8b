#!/usr/bin/env python3
"""Whether every picture of every kind of footage is read once, in order, at its own time.

    tests/footage_matrix.py [--fast] [--only TEXT] [--keep FOLDER] [READ_FRAMES]

Makes numbered pictures, over containers, codecs, rates and lengths, reads each file with
READ_FRAMES (build/release/tests/read_frames) and prints a line a cell and a total. A cell is exact
if the numbers are those that went in and those that `ffmpeg -fps_mode passthrough` finds, each
time is within half a tick of ffprobe's, nothing is called damaged, and three threads give what one
gives. Of files that were joined end to end all is read, or it is said that only the first is; an encoder's
rubbish is not read, and is called damage. --fast takes the cells that the test suite
runs. Exits 1 if a cell is not exact."""
import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

WIDTH, HEIGHT, BLOCKS, RATE = 128, 96, 4, 25
SHORT, LONG = 60, 1500

# The encoders: what ffmpeg is told. All but a few have pictures that depend on later ones.
CODECS = {
    "h264": "-c:v libx264 -preset fast -bf 3 -g 24 -crf 20",
    "h264-open": "-c:v libx264 -preset fast -crf 20 -x264-params open-gop=1:keyint=24:bframes=3:b-pyramid=normal",
    "h264-low-delay": "-c:v libx264 -preset fast -tune zerolatency -crf 20 -g 30",
    "h264-refresh": "-c:v libx264 -preset fast -crf 20 -x264-params intra-refresh=1:keyint=24:bframes=2",
    "hevc": "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=24:bframes=4:open-gop=0",
    "hevc-open": "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=24:min-keyint=24:bframes=4:open-gop=1",
    "mpeg1": "-c:v mpeg1video -bf 2 -g 12 -q:v 3",
    "mpeg2": "-c:v mpeg2video -bf 2 -g 12 -q:v 3",
    "mpeg4": "-c:v mpeg4 -bf 2 -g 12 -q:v 3",
    "mpeg4-plain": "-c:v mpeg4 -g 12 -q:v 3",
    "xvid": "-c:v libxvid -bf 2 -g 12 -q:v 3",
    "msmpeg4": "-c:v msmpeg4 -q:v 3",
    "h263": "-c:v h263 -q:v 3",
    "h261": "-c:v h261 -q:v 3 -vf scale=176:144:flags=neighbor",
    "vp8": "-c:v libvpx -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 10 -b:v 500k",
    "vp9": "-c:v libvpx-vp9 -deadline good -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -g 24 -b:v 500k",
    "av1": "-c:v libsvtav1 -preset 12 -svtav1-params keyint=24",
    "av1-aom": "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 300k -g 24",
    "mjpeg": "-c:v mjpeg -q:v 3",
    "theora": "-c:v libtheora -q:v 8 -g 12",
    "prores": "-c:v prores_ks",
    "dnxhr": "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p -vf scale=256:192:flags=neighbor",
    "ffv1": "-c:v ffv1",
    "ffvhuff": "-c:v ffvhuff",
    "huffyuv": "-c:v huffyuv -pix_fmt yuv422p",
    "utvideo": "-c:v utvideo",
    "magicyuv": "-c:v magicyuv",
    "flv1": "-c:v flv -q:v 3",
    "flashsv": "-c:v flashsv -pix_fmt bgr24",
    "wmv1": "-c:v wmv1 -q:v 3",
    "wmv2": "-c:v wmv2 -q:v 3",
    "gif": "-c:v gif -pix_fmt gray",
    "apng": "-c:v apng -pix_fmt gray",
    "png": "-c:v png -pix_fmt rgb24",
    "qtrle": "-c:v qtrle -pix_fmt rgb24",
    "raw": "-c:v rawvideo",
    "uyvy": "-c:v rawvideo -pix_fmt uyvy422",
    "v210": "-c:v v210 -pix_fmt yuv422p10le",
    "cfhd": "-c:v cfhd -pix_fmt yuv422p10le -vf scale=256:192:flags=neighbor",
    "svq1": "-c:v svq1 -q:v 3",
    "snow": "-c:v snow -strict experimental -q:v 3",
    "jpeg2000": "-c:v jpeg2000 -q:v 3",
    "cinepak": "-c:v cinepak",
    "zmbv": "-c:v zmbv -pix_fmt bgr0",
    "asv1": "-c:v asv1 -q:v 3",
    "rv10": "-c:v rv10 -q:v 3",
    "rv20": "-c:v rv20 -q:v 3",
    "dirac": "-c:v vc2",
    "dv": "-c:v dvvideo -vf scale=720:576:flags=neighbor -pix_fmt yuv420p -r 25",
    "y4m": "",
}

# The containers and what is put into each; a container of CONSTANT holds no varying rate.
CONTAINERS = {
    "mp4": "h264 h264-open h264-low-delay h264-refresh hevc hevc-open mpeg1 mpeg2 mpeg4 vp9 av1 av1-aom mjpeg",
    "mov": "h264-open hevc prores dnxhr mjpeg png qtrle uyvy v210 cfhd svq1 jpeg2000 h263",
    "mkv": "h264 h264-open hevc-open mpeg1 mpeg2 mpeg4 xvid vp8 vp9 av1 theora ffv1 huffyuv utvideo prores mjpeg raw snow dirac",
    "webm": "vp8 vp9 av1",
    "ts": "h264 h264-open hevc hevc-open mpeg1 mpeg2 mpeg4 dirac",
    "m2ts": "h264-open mpeg2",
    "mpg": "mpeg1 mpeg2",
    "vob": "mpeg2",
    "avi": "h264 mpeg4 mpeg4-plain xvid msmpeg4 mjpeg ffv1 ffvhuff huffyuv utvideo magicyuv raw cinepak zmbv asv1 snow png",
    "flv": "flv1 h264-open flashsv",
    "ogv": "theora vp8",
    "wmv": "wmv1 wmv2 msmpeg4",
    "nut": "h264-open mpeg4 ffv1 raw",
    "mxf": "mpeg2 dnxhr h264",
    "3gp": "h263 h264 mpeg4",
    "gif": "gif",
    "apng": "apng",
    "ivf": "vp8 vp9 av1",
    "obu": "av1",
    "h264": "h264-open",
    "hevc": "hevc-open",
    "m4v": "mpeg4-plain",
    "m2v": "mpeg2",
    "mjpeg": "mjpeg",
    "y4m": "y4m",
    "dv": "dv",
    "rm": "rv10 rv20",
    "swf": "flv1",
    "wtv": "mpeg2",
    "h261": "h261",
    "h263": "h263",
    "drc": "dirac",
}
CONSTANT = "mxf h264 hevc m4v m2v mjpeg y4m dv rm swf obu h261 h263 drc vob mpg avi wtv".split()
MUXERS = {"wmv": "asf", "apng": "apng -plays 1", "m2ts": "mpegts -mpegts_m2ts_mode 1", "ogv": "ogg",
          "y4m": "yuv4mpegpipe", "drc": "dirac", "vob": "vob", "mpg": "mpeg", "mkv": "matroska", "ts": "mpegts"}
# This encoder leaves pictures out: those that ffmpeg finds are the measure.
LEAVES_OUT = ["xvid"]
# Of several files that were joined, libav reads the first only in some containers: then it is said.
NOT_READ = "joined files, only the first is read"
# This muxer moves times: those that ffprobe finds are the measure.
MOVES_TIMES = ["ogv"]
LONGS = "mp4/h264-open mkv/vp9 ts/hevc-open avi/mpeg4-plain mov/mjpeg mpg/mpeg2 flv/h264-open webm/vp8".split()
JOINED = ("ts/h264-open ts/h264 ts/hevc-open ts/mpeg2 ts/mpeg4 m2ts/h264-open m2ts/mpeg2 mpg/mpeg1 mpg/mpeg2 "
          "vob/mpeg2 mkv/h264-open mkv/ffv1 webm/vp9 avi/mjpeg avi/mpeg4 ogv/theora ogv/vp8 mxf/mpeg2 mxf/dnxhr dv/dv "
          "h264/h264-open hevc/hevc-open m2v/mpeg2 mjpeg/mjpeg obu/av1 mp4/h264-open mp4/av1 mov/prores "
          "mov/hevc 3gp/mpeg4 flv/flv1 flv/h264-open wmv/wmv2 wmv/msmpeg4 gif/gif apng/apng nut/ffv1 "
          "nut/h264-open ivf/vp9 rm/rv20 y4m/y4m wtv/mpeg2 swf/flv1").split()
FAST = ("mp4/h264-open/cfr mkv/h264-open/vfr ts/hevc-open/cfr avi/mpeg4/cfr webm/vp9/cfr gif/gif/vfr "
        "mp4/h264-open/edit mkv/ffv1/fps-10 mov/prores/fps-50 ts/mpeg2/late ts/h264-open/joined "
        "mp4/h264-open/joined mxf/h264/cfr").split()

# Varying rates: which of the numbered pictures are there, at 25 a second.
def varying(count):
    return [n for n in range(count) if n < count // 3 or n % 5 == 0 or n > count * 3 // 4 and n % 2]


class Cell:
    """A file to be read. `numbers` went in; `fps` is asked of the reader; `output` and the steps of
    `more` tell ffmpeg how to write it. `joined`: it is made of two, the second of the later half."""

    def __init__(self, name, numbers, fps=0, rate=str(RATE), output="", more=None, joined=False):
        self.name, self.numbers, self.fps, self.rate = name, numbers, fps, rate
        self.container, self.codec = name.split("/")[:2]
        self.output, self.more, self.joined = output, more or [], joined


def cells():
    for container, codecs in CONTAINERS.items():
        for codec in codecs.split():
            name = f"{container}/{codec}"
            yield Cell(f"{name}/cfr", list(range(SHORT)))
            if container not in CONSTANT:
                yield Cell(f"{name}/vfr", varying(SHORT))
    for name in LONGS:
        yield Cell(f"{name}/long", list(range(LONG)))
        if name.split("/")[0] not in CONSTANT:
            yield Cell(f"{name}/long-vfr", varying(LONG))
    for name in ("mp4/h264-open", "mkv/vp9", "ts/hevc-open", "avi/mjpeg", "flv/flv1", "gif/gif"):
        yield Cell(f"{name}/one", [0])
    for name in ("mp4/hevc-open", "mkv/h264", "ts/mpeg2", "flv/h264-open", "avi/ffv1", "ogv/theora"):
        for rate in ("30000/1001", "60", "120"):
            if name.split("/")[1] == "mpeg2" and rate == "120":
                continue
            yield Cell(f"{name}/rate-{rate.replace('/', ':')}", list(range(SHORT)), rate=rate)
    for name in ("mp4/h264-open", "mkv/hevc-open", "ts/mpeg2", "ts/h264", "flv/flv1", "nut/h264-open"):
        yield Cell(f"{name}/late", list(range(SHORT)), output="-output_ts_offset 7.3")
    for name in ("mp4/h264-open", "mov/mpeg2", "mp4/hevc-open", "3gp/mpeg4"):
        yield Cell(f"{name}/edit", list(range(31, SHORT)), more=["-ss 1.23 -i {} -c copy"])
    for name in ("mkv/h264-open", "mkv/mpeg4"):
        yield Cell(f"{name}/negative", list(range(SHORT)),
                   more=["-itsoffset -0.5 -copyts -i {} -c copy -avoid_negative_ts disabled"])
    for name in ("mp4/h264-open", "mp4/vp9"):
        yield Cell(f"{name}/fragments", list(range(SHORT)), output="-movflags frag_keyframe+empty_moov")
    yield Cell("mkv/h264/longer-sound", list(range(SHORT)), more=["-i {} -f lavfi -i sine=d=9 -c:v copy"])
    yield Cell("flv/h264-open/longer-sound", list(range(SHORT)), more=["-i {} -f lavfi -i sine=d=9 -c:v copy"])
    yield Cell("ts/h264-open/joined-late", list(range(SHORT)),
               more=["-f lavfi -i sine=d=12 -itsoffset 5 -i {} -map 1:v -map 0:a -c:v copy"])
    for name in JOINED:
        yield Cell(f"{name}/joined", list(range(SHORT)), joined=True)
    for name in ("ts/h264-open", "ts/mpeg2", "mpg/mpeg2"):  # the counter seems to run over between them
        yield Cell(f"{name}/joined-over", list(range(SHORT)), joined=True, output="-output_ts_offset 200")
    for name in ("mp4/h264-open", "mp4/vp9"):
        yield Cell(f"{name}/joined-fragments", list(range(SHORT)), joined=True,
                   output="-movflags frag_keyframe+empty_moov")
    for name in ("mp4/h264-open", "mkv/vp8", "ts/hevc-open", "avi/mjpeg", "gif/gif", "mkv/ffv1",
                 "mov/prores", "flv/flv1", "wmv/wmv2", "webm/vp9"):
        for fps in (10, 50):
            yield Cell(f"{name}/fps-{fps}", list(range(SHORT)), fps=fps)
            if name.split("/")[0] not in CONSTANT:
                yield Cell(f"{name}/fps-{fps}-vfr", varying(SHORT), fps=fps)


def numbered_pictures(path, count):
    """Grey pictures, raw: number n in twelve blocks, then four that check it."""
    with open(path, "wb") as out:
        for number in range(count):
            bits = number | ((number ^ number >> 4 ^ number >> 8 ^ 0b1010) & 0b1111) << 12
            for row in range(BLOCKS):
                line = b"".join(bytes([255 * (bits >> (row * BLOCKS + column) & 1)]) * (WIDTH // BLOCKS)
                                for column in range(BLOCKS))
                out.write(line * (HEIGHT // BLOCKS))


def ffmpeg(arguments):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *shlex.split(arguments)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout


def make(cell, pictures, folder):
    """The cell's file."""
    if not cell.joined:
        return encode(cell, pictures, folder)
    path = folder / f"{cell.name.replace('/', '-')}.{cell.container}"
    half = cell.numbers[:len(cell.numbers) // 2]
    size = WIDTH * HEIGHT * len(half)
    later = folder / "later.gray"
    later.write_bytes(pictures.read_bytes()[size:2 * size])
    part = Cell(f"{cell.container}/{cell.codec}/part", half, output=cell.output)
    path.write_bytes(b"".join(encode(part, source, folder).read_bytes() for source in (pictures, later)))
    return path


def encode(cell, pictures, folder):
    count = cell.numbers[-1] + 1
    muxer = MUXERS.get(cell.container)
    codec = CODECS[cell.codec]
    form = "" if "-pix_fmt" in codec else "-pix_fmt yuv420p"
    filters = []
    if "-vf " in codec:
        before, _, after = codec.partition("-vf ")
        scale, _, after = after.partition(" ")
        codec, filters = before + after, [scale]
    if len(cell.numbers) != count and not cell.more:
        wanted = "+".join(f"eq(n,{n})" for n in cell.numbers) if count <= SHORT else None
        wanted = wanted or f"lt(n,{LONG // 3})+not(mod(n,5))+gt(n,{LONG * 3 // 4})*mod(n,2)"
        filters = [f"select='{wanted}'", *filters]
    mode = "vfr" if len(cell.numbers) != count else "passthrough"
    chain = f"-vf \"{','.join(filters)}\"" if filters else ""
    path = folder / f"{cell.name.replace('/', '-')}.{cell.container}"
    first = folder / f"first-{path.name}" if cell.more else path
    into = f"-f {muxer}" if muxer else ""
    ffmpeg(f"-f rawvideo -pix_fmt gray -s {WIDTH}x{HEIGHT} -r {cell.rate} -i '{pictures}' -frames:v "
           f"{len(cell.numbers) if not cell.more else count} {chain} -fps_mode {mode} {form} {codec} "
           f"{cell.output} {into} '{first}'")
    for step in cell.more:
        ffmpeg(f"{step.format(repr(str(first)))} {into} '{path}'")
    return path


def probe(path):
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                           "frame=best_effort_timestamp,pkt_duration,width,height:stream=time_base,avg_frame_rate", "-of", "json", path],
                          capture_output=True, check=True).stdout
    found = json.loads(text)
    stream = found["streams"][0]
    return found["frames"], rate_of(stream["time_base"]), rate_of(stream["avg_frame_rate"])


def ffmpeg_numbers(path, width, height):
    raw = ffmpeg(f"-i '{path}' -map 0:v:0 -fps_mode passthrough -pix_fmt gray -f rawvideo -")
    size = width * height
    return [number_of(raw[at:at + size], width, height) for at in range(0, len(raw), size)]


def number_of(picture, width, height):
    bits = 0
    for block in range(BLOCKS * BLOCKS):
        x = (2 * (block % BLOCKS) + 1) * width // (2 * BLOCKS)
        y = (2 * (block // BLOCKS) + 1) * height // (2 * BLOCKS)
        level = sum(picture[(y + dy) * width + x + dx] for dx, dy in ((0, 0), (4, 0), (-4, 0), (0, 4), (0, -4))) // 5
        if 90 <= level <= 165:
            return -1
        bits |= (level > 165) << block
    number = bits & 0xFFF
    return number if bits >> 12 == (number ^ number >> 4 ^ number >> 8 ^ 0b1010) & 0b1111 else -1


def read(program, path, *more):
    done = subprocess.run([program, path, *more], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    frames, words = [], []
    for line in done.stdout.splitlines():
        if line.startswith("frame "):
            _, number, time = line.split()
            frames.append((int(number), float(time)))
        else:
            words.append(line)
    return frames, words


def resampled(numbers, times, last, fps):
    """What a clock with `fps` ticks a second shows."""
    shown, index = [], 0
    while len(shown) / fps < last - 1e-3 or not shown:
        while index + 1 < len(times) and times[index + 1] <= len(shown) / fps + 5e-3:
            index += 1
        shown.append(numbers[index])
    return shown


def check(cell, program, pictures, folder):
    """Returns what is wrong with the cell, and what is to be known of it."""
    path = make(cell, pictures, folder)
    frames, tick, usual = probe(path)
    reference = ffmpeg_numbers(path, frames[0]["width"], frames[0]["height"])
    rubbish = cell.codec in LEAVES_OUT and -1 in reference
    if cell.codec in LEAVES_OUT:
        cell.numbers = reference[:reference.index(-1)] if rubbish else reference
    elif not cell.joined and reference != cell.numbers:
        return f"ffmpeg itself reads {describe(reference, cell.numbers)}", ""
    asked = ("--fps", str(cell.fps)) if cell.fps else ()
    found, words = read(program, path, *asked)
    again = read(program, path, "--threads", "3", *asked)
    damage = [word for word in words if word.startswith("damage")]
    notes = "; ".join(word[5:] for word in words if word.startswith("note"))
    if damage and not rubbish:
        return damage[0], notes
    if rubbish and not damage:
        return "rubbish is not called damage", notes
    if cell.joined and NOT_READ in notes:
        cell.numbers = cell.numbers[:len(cell.numbers) // 2]
    if again != (found, words):
        return "three threads give something else", notes
    ticks = [frame.get("best_effort_timestamp") for frame in frames[:len(cell.numbers)]]
    if cell.codec in LEAVES_OUT and None not in ticks:
        ticks.sort()  # it writes those of decoding
    known, latest = [], ticks[0]
    for i, t in enumerate(ticks):
        if t is not None and latest is not None:
            if t < latest:  # such times are no measure, but those that went in
                known = [(i, (n - cell.numbers[0]) / rate_of(cell.rate)) for i, n in enumerate(cell.numbers)]
                break
            known.append((i, (t - ticks[0]) * tick))
            latest = t
    if cell.fps:
        times = [(n - cell.numbers[0]) / RATE for n in cell.numbers]
        stays = frames[-1].get("pkt_duration", 0) * tick or 1 / (usual or RATE)
        expected = resampled(cell.numbers, times, times[-1] + stays, cell.fps)
        wrong_times = [i for i, (_, time) in enumerate(found) if abs(time - i / cell.fps) > 1e-6]
    else:
        expected = cell.numbers
        wrong_times = [i for i, time in known if i < len(found) and abs(found[i][1] - time) > tick / 2]
        if cell.container not in CONSTANT + MOVES_TIMES and cell.codec not in LEAVES_OUT or not known:
            # Nobody's word but that of what went in, within the container's rounding.
            rate = rate_of(cell.rate)
            wrong_times += [i for i, (n, time) in enumerate(found)
                            if abs(time - (n - cell.numbers[0]) / rate) > 1.01 * tick]
    numbers = [number for number, _ in found]
    if numbers != expected:
        return describe(numbers, expected), notes
    if wrong_times:
        return f"{len(wrong_times)} times are wrong, first of picture {wrong_times[0]}: {found[wrong_times[0]]}", notes
    return "", notes


def rate_of(text):
    num, _, den = text.partition("/")
    return int(num) / int(den or 1) if int(den or 1) else 0


def describe(numbers, expected):
    at = next((i for i, (a, b) in enumerate(zip(numbers, expected)) if a != b), min(len(numbers), len(expected)))
    return f"{len(numbers)} of {len(expected)} pictures; number {at} is {numbers[at:at + 4]} for {expected[at:at + 4]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default="build/release/tests/read_frames")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", help="where the files stay")
    arguments = parser.parse_args()
    exact, total = 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(arguments.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        pictures = folder / "pictures.gray"
        numbered_pictures(pictures, LONG)
        for cell in cells():
            if arguments.only not in cell.name or (arguments.fast and cell.name not in FAST):
                continue
            try:
                wrong, notes = check(cell, arguments.program, pictures, folder)
            except (RuntimeError, subprocess.CalledProcessError, KeyError) as error:
                wrong, notes = f"{type(error).__name__}: {error}", ""
            total += 1
            exact += not wrong
            print(f"{cell.name:34} {len(cell.numbers):5} pictures  {wrong or 'exact'}{' (' + notes + ')' if notes else ''}",
                  flush=True)
    print(f"{exact} of {total} cells are exact")
    return 0 if exact == total and total else 1


if __name__ == "__main__":
    sys.exit(main())
