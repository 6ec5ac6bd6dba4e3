"""Draws a network of networks.py as a Keras model."""

import keras
from keras import layers

from weights import Weights


class Ops:
    def __init__(self):
        self.weights = Weights()

    def activate(self, x, activation):
        return layers.Activation(activation)(x) if activation else x

    def convolution(self, x, channels_in, channels_out, kernel, stride=1, symmetric=False, activation=None, gain=1.0):
        padding = "same"
        if symmetric and stride > 1:
            x, padding = layers.ZeroPadding2D(kernel // 2)(x), "valid"
        layer = layers.Conv2D(channels_out, kernel, stride, padding)
        x = layer(x)
        weight, bias = self.weights.draw(channels_in, channels_out, kernel, gain)
        layer.set_weights([weight.transpose(2, 3, 1, 0), bias])
        return self.activate(x, activation)

    def depthwise(self, x, channels, kernel, stride, activation, symmetric=False):
        padding = "same"
        if symmetric and stride > 1:
            x, padding = layers.ZeroPadding2D(kernel // 2)(x), "valid"
        layer = layers.DepthwiseConv2D(kernel, stride, padding)
        x = layer(x)
        weight, bias = self.weights.draw(1, channels, kernel)
        layer.set_weights([weight.transpose(2, 3, 0, 1), bias])
        return self.activate(x, activation)

    def gate(self, x, channels, squeezed, inner, outer):
        means = layers.GlobalAveragePooling2D(keepdims=True)(x)
        factors = self.convolution(means, channels, squeezed, 1, activation=inner)
        return layers.Multiply()([x, self.convolution(factors, squeezed, channels, 1, activation=outer)])

    def max_pool(self, x, kernel, stride=None, pad=0):
        if pad:
            x = layers.ZeroPadding2D(pad)(x)  # what is pooled follows a relu, so a zero changes no maximum
        return layers.MaxPooling2D(kernel, stride or kernel)(x)

    def add(self, x, y):
        return layers.Add()([x, y])

    def relu(self, x):
        return layers.Activation("relu")(x)


def model(network):
    """[B, 224, 224, 3] -> the features, channels last."""
    image = layers.Input((224, 224, 3))
    return keras.Model(image, network(Ops(), image))
