"""The Python loop that `cyborg video` is measured against: OpenCV decodes, ONNX Runtime runs the same two files.

    python peer.py DETECTOR.onnx MODEL.onnx CLIP.mp4 OUT.csv [--detect-size 320] [--threads 2] [--tuned]

One loop over frames, as such scripts are written: read, find faces, cut each out, classify, write a row. Results are those of
`cyborg video` but for the resampling. `--tuned` knows what most users don't: two sessions' idle threads spin, and take the
processors from each other. On standard error: `first SECONDS` when the first row is on disk, from the start of the process.
"""

import argparse
import csv
import math
import sys
import time

BEGAN = time.perf_counter()

import cv2
import numpy as np
import onnx
import onnxruntime as ort

STRIDE, CELL = 32, 4
CONFIDENCE, YUNET_CONFIDENCE, SAME_FACE = 0.5, 0.6, 0.3
MARGIN = 1.3


def session(path, threads, tuned, change=lambda model: model):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if tuned:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = change(onnx.load(path))
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def free_sizes(model):
    """CenterFace's file is for one size of picture, and lists its weights as inputs."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for value in list(model.graph.input) + list(model.graph.output):
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}_{axis}"
    del model.graph.value_info[:]
    model.ir_version = max(model.ir_version, 4)
    return model


def input_size(width, height, longest):
    shrink = min(1.0, longest / max(width, height))
    side = lambda length: max(1, math.floor(length * shrink / STRIDE + 0.5)) * STRIDE
    return side(width), side(height)


class CenterFace:
    """Finds faces by ONNX Runtime."""

    def __init__(self, path, threads, tuned):
        self.session = session(path, threads, tuned, free_sizes)
        self.name = self.session.get_inputs()[0].name

    def find(self, frame, longest):
        """Faces of an RGB frame as rows (left, top, right, bottom)."""
        height, width = frame.shape[:2]
        small_width, small_height = input_size(width, height, longest)
        small = cv2.resize(frame, (small_width, small_height), interpolation=cv2.INTER_AREA)
        pixels = small.transpose(2, 0, 1)[None].astype(np.float32)
        heat, scale, offset, _ = self.session.run(None, {self.name: pixels})
        rows, columns = np.where(heat[0, 0] > CONFIDENCE)
        sides = np.exp(scale[0][:, rows, columns]) * CELL
        tops = (rows + offset[0, 0, rows, columns] + 0.5) * CELL - sides[0] / 2
        lefts = (columns + offset[0, 1, rows, columns] + 0.5) * CELL - sides[1] / 2
        across, down = width / small_width, height / small_height
        boxes = np.stack([lefts * across, tops * down, (lefts + sides[1]) * across, (tops + sides[0]) * down], axis=1)
        kept = []
        for index in np.argsort(-heat[0, 0, rows, columns]):
            if all(overlap(boxes[index], other) < SAME_FACE for other in kept):
                kept.append(boxes[index])
        return kept


class YuNet:
    """Finds faces by OpenCV's own class for this network, which is how scripts use it."""

    def __init__(self, path):
        self.network = cv2.FaceDetectorYN.create(path, "", (320, 320), YUNET_CONFIDENCE, SAME_FACE)

    def find(self, frame, longest):
        height, width = frame.shape[:2]
        size = input_size(width, height, longest)
        self.network.setInputSize(size)
        _, rows = self.network.detect(cv2.resize(frame, size, interpolation=cv2.INTER_AREA)[:, :, ::-1])
        across, down = width / size[0], height / size[1]
        found = [] if rows is None else rows
        return [np.array([x * across, y * down, (x + w) * across, (y + h) * down]) for x, y, w, h, *_ in found]


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return common / max(area(a) + area(b) - common, 1e-9)


def cut(frame, box, side):
    """The square around a box, the frame's border repeated outside it."""
    half = max(box[2] - box[0], box[3] - box[1]) * MARGIN / 2
    centre_x, centre_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, top = round(centre_x - half), round(centre_y - half)
    length = max(1, round(2 * half))
    height, width = frame.shape[:2]
    inside = frame[max(top, 0) : min(top + length, height), max(left, 0) : min(left + length, width)]
    out = (max(-top, 0), max(top + length - height, 0), max(-left, 0), max(left + length - width, 0))
    if any(out):
        inside = cv2.copyMakeBorder(inside, *out, cv2.BORDER_REPLICATE)
    return cv2.resize(inside, (side, side), interpolation=cv2.INTER_AREA if length > side else cv2.INTER_LINEAR)


def flags(*names):
    """What the loops are told, with the words that each wants after the networks."""
    parser = argparse.ArgumentParser()
    for name in ("detector", "model", *names):
        parser.add_argument(name)
    parser.add_argument("--detect-size", type=int, default=320)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tuned", action="store_true")
    return parser


def networks(args):
    """Both networks as the flags say, and the side of the classifier's square."""
    cv2.setNumThreads(args.threads)
    outputs = {output.name for output in onnx.load(args.detector).graph.output}
    is_yunet = "cls_8" in outputs
    detector = YuNet(args.detector) if is_yunet else CenterFace(args.detector, args.threads, args.tuned)
    classifier = session(args.model, args.threads, args.tuned)
    return detector, classifier, classifier.get_inputs()[0].shape[1]


def main():
    args = flags("clip", "out").parse_args()
    detector, classifier, side = networks(args)
    clip = cv2.VideoCapture(args.clip)
    told = False
    with open(args.out, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["frame", "left", "top", "width", "height", "logit_authentic", "logit_synthetic"])
        number = 0
        while True:
            more, bgr = clip.read()
            if not more:
                break
            frame = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            for box in detector.find(frame, args.detect_size):
                crop = cut(frame, box, side)
                logits, _ = classifier.run(None, {"pixels": crop[None]})
                left, top, right, bottom = box
                table.writerow([number, left, top, right - left, bottom - top, *logits[0]])
            if not told and file.tell() > 0:
                file.flush()
                told = True
                print(f"first {time.perf_counter() - BEGAN:.3f}", file=sys.stderr)
            number += 1


if __name__ == "__main__":
    main()
