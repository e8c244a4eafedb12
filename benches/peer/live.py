"""The Python loop that `cyborg live` is measured against: OpenCV reads the stream, ONNX Runtime runs the same two files.

    python live.py DETECTOR.onnx MODEL.onnx ADDRESS [--seconds 20] [--slower 10] [--detect-size 320] [--threads 2] [--tuned]

One loop over frames, as such scripts are written: read, find faces, cut each out, classify. On standard output a line a verdict:
the mark that is in the picture's upper left corner, and when the verdict stood, in seconds of the monotonic clock.
`--slower` makes the classifier take so many times as long, asleep. `--tuned` is as in peer.py, and takes one picture only
from OpenCV's queue.
"""

import time

import cv2

from peer import cut, flags, networks

BITS, SQUARE = 9, 24
WARM_UP = 2.0


def mark(frame):
    """The number in the black and white squares."""
    middle = SQUARE // 2
    return sum(1 << bit for bit in range(BITS) if frame[middle, middle + bit * SQUARE, 0] > 127)


def main():
    parser = flags("address")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--slower", type=float, default=1)
    args = parser.parse_args()
    detector, classifier, side = networks(args)
    stream = cv2.VideoCapture(args.address)
    if args.tuned:
        stream.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    began = time.monotonic()
    while time.monotonic() - began < WARM_UP + args.seconds:
        more, bgr = stream.read()
        if not more:
            raise SystemExit("the stream has ended")
        frame = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        for box in detector.find(frame, args.detect_size)[:1]:
            crop = cut(frame, box, side)
            start = time.monotonic()
            classifier.run(None, {"pixels": crop[None]})
            time.sleep((time.monotonic() - start) * (args.slower - 1))
            now = time.monotonic()
            if now - began >= WARM_UP:
                print(mark(frame), f"{now:.6f}")


if __name__ == "__main__":
    main()
