"""A training step as a plain PyTorch loop writes it, to compare `cyborg-train bench` with.

It does what the published training code does, in our own words: the class loss, the activation map of the predicted class
from features (for DenseNet they are computed a second time), stretched to 0 to 1 sample by sample, its squared distance from
a map, SGD. Prints one line of JSON. Needs torch 2.11.0 and torchvision 0.26.0.

    python3 training_step.py NETWORK BATCH STEPS THREADS
"""

import json
import resource
import statistics
import sys
import time

import torch
import torchvision
from torch import nn


def network_of(name):
    """The network with two classes, its last linear layer, and a function from a batch to (class scores, features)."""
    kept = {}

    def keep(_module, _inputs, output):
        kept["features"] = output

    if name == "densenet121":
        model = torchvision.models.densenet121(weights=None)
        model.classifier = nn.Linear(model.classifier.in_features, 2)
        return model, model.classifier, lambda x: (model(x), model.features(x))
    if name == "resnet50":
        model = torchvision.models.resnet50(weights=None)
        model.fc = nn.Linear(model.fc.in_features, 2)
        model.layer4[-1].conv3.register_forward_hook(keep)
    elif name == "inception_v3":
        model = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=True)
        model.fc = nn.Linear(model.fc.in_features, 2)
        model.Mixed_7c.register_forward_hook(keep)
    else:
        sys.exit(f"{name}: no plain loop is written for it")
    return model, model.fc, lambda x: (model(x), kept["features"])


def main():
    name, batch, steps, threads = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model, last, run = network_of(name)
    model.train()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9, weight_decay=1e-6)
    cross_entropy, squared = nn.CrossEntropyLoss(), nn.MSELoss()
    side, cam = (299, 8) if name == "inception_v3" else (224, 7)
    times = []
    for _ in range(steps + 1):
        pixels = torch.rand(batch, 3, side, side)
        maps = torch.rand(batch, cam, cam)
        labels = torch.arange(batch) % 2
        start = time.perf_counter()
        optimiser.zero_grad()
        scores, features = run(pixels)
        predicted = scores.argmax(1)
        cams = []
        for sample, chosen in zip(features, predicted):
            heat = (last.weight[chosen][:, None, None] * sample).sum(0)
            heat = heat - heat.min()
            cams.append(heat / heat.max())
        loss = 0.5 * cross_entropy(scores, labels) + 0.5 * squared(torch.stack(cams), maps)
        loss.backward()
        optimiser.step()
        loss.item()
        times.append(time.perf_counter() - start)
    median = statistics.median(times[1:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"network": name, "torch": torch.__version__, "batch": batch, "steps": steps,
                      "ms_per_step": median * 1e3, "faces_per_s": batch / median, "peak_mib": peak}))


main()
