"""A multilayer perceptron with one hidden layer, in plain Python.

The network is `pixels -> hidden (leaky ReLU) -> classes (softmax)`, trained by mini-batch gradient
descent with momentum. It knows nothing of files, arguments or printing: see train.py.
"""

import math
import random
from operator import mul

# The slope of a hidden unit below 0: small, yet enough that no unit goes silent for good.
LEAK = 0.1


class Perceptron:
    """Weights, their momenta, and one step of learning."""

    def __init__(self, inputs, hidden, classes, seed):
        generator = random.Random(seed)

        def matrix(rows, columns):
            spread = math.sqrt(2.0 / columns)
            return [[generator.gauss(0.0, spread) for _ in range(columns)] for _ in range(rows)]

        self.parameters = {
            "hidden.weight": matrix(hidden, inputs),
            "hidden.bias": [0.0] * hidden,
            "output.weight": matrix(classes, hidden),
            "output.bias": [0.0] * classes,
        }
        self.momenta = {name: _zeros_like(value) for name, value in self.parameters.items()}

    def size(self):
        """How many numbers are learnt."""
        return sum(
            sum(len(row) for row in value) if isinstance(value[0], list) else len(value)
            for value in self.parameters.values()
        )

    def forward(self, pixels):
        """The hidden activations and the logarithm of each class's probability."""
        values = self.parameters
        sums = [
            sum(map(mul, row, pixels)) + bias
            for row, bias in zip(values["hidden.weight"], values["hidden.bias"])
        ]
        hidden = [value if value > 0.0 else LEAK * value for value in sums]
        scores = [
            sum(map(mul, row, hidden)) + bias
            for row, bias in zip(values["output.weight"], values["output.bias"])
        ]
        highest = max(scores)
        total = highest + math.log(sum(math.exp(score - highest) for score in scores))
        return hidden, [score - total for score in scores]

    def learn(self, batch, rate, momentum):
        """One step down the gradient of `batch`, a list of (pixels, label); its mean loss."""
        values = self.parameters
        output_weight = values["output.weight"]
        gradients = {name: _zeros_like(value) for name, value in values.items()}
        loss = 0.0
        for pixels, label in batch:
            hidden, logs = self.forward(pixels)
            loss -= logs[label]
            errors = [math.exp(log) for log in logs]
            errors[label] -= 1.0
            upstream = [0.0] * len(hidden)
            for index, error in enumerate(errors):
                row = gradients["output.weight"][index]
                gradients["output.weight"][index] = [g + error * h for g, h in zip(row, hidden)]
                gradients["output.bias"][index] += error
                upstream = [u + error * w for u, w in zip(upstream, output_weight[index])]
            for index, error in enumerate(upstream):
                if hidden[index] <= 0.0:
                    error *= LEAK
                row = gradients["hidden.weight"][index]
                gradients["hidden.weight"][index] = [g + error * p for g, p in zip(row, pixels)]
                gradients["hidden.bias"][index] += error
        scale = rate / len(batch)
        for name, gradient in gradients.items():
            if isinstance(gradient[0], list):
                rows = zip(values[name], self.momenta[name], gradient)
                for index, (value, velocity, slope) in enumerate(rows):
                    velocity = [momentum * v - scale * s for v, s in zip(velocity, slope)]
                    self.momenta[name][index] = velocity
                    values[name][index] = [w + v for w, v in zip(value, velocity)]
            else:
                velocity = [momentum * v - scale * s for v, s in zip(self.momenta[name], gradient)]
                self.momenta[name] = velocity
                values[name] = [w + v for w, v in zip(values[name], velocity)]
        return loss / len(batch)

    def evaluate(self, examples):
        """The mean loss and the accuracy over `examples`."""
        loss, right = 0.0, 0
        for pixels, label in examples:
            logs = self.forward(pixels)[1]
            loss -= logs[label]
            right += logs.index(max(logs)) == label
        return loss / len(examples), right / len(examples)


def _zeros_like(value):
    if isinstance(value[0], list):
        return [[0.0] * len(row) for row in value]
    return [0.0] * len(value)
