"""What headstart is compared with: FastAPI around a Keras EfficientNet-Lite0 with two classes, as one writes it.

    HOW=predict  python benches/serve/keras_service.py PORT    # model.predict, as in most tutorials
    HOW=function python benches/serve/keras_service.py PORT    # a compiled tf.function: the fastest plain way

The weights are drawn: speed does not depend on them.
"""

import io
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import uvicorn
from fastapi import FastAPI, UploadFile
from keras import layers
from PIL import Image

# One stage a row: blocks, kernel, stride of its first block, expansion, channels out (EfficientNet-B0's table).
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
SIZE = 224
CLASSES = ["NORMAL", "PNEUMONIA"]


def convolution(x, channels, kernel, stride=1, activate=True):
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6)(x) if activate else x


def block(x, kernel, stride, expansion, channels):
    before, channels_in = x, x.shape[-1]
    if expansion != 1:
        x = convolution(x, channels_in * expansion, 1)
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(x)
    x = layers.ReLU(6)(layers.BatchNormalization()(x))
    x = convolution(x, channels, 1, activate=False)
    return layers.Add()([before, x]) if stride == 1 and channels_in == channels else x


def network():
    image = layers.Input((SIZE, SIZE, 3))
    x = convolution(layers.Rescaling(1 / 128, -127 / 128)(image), 32, 3, 2)
    for blocks, kernel, stride, expansion, channels in STAGES:
        for index in range(blocks):
            x = block(x, kernel, stride if index == 0 else 1, expansion, channels)
    x = layers.GlobalAveragePooling2D()(convolution(x, 1280, 1))
    return keras.Model(image, layers.Dense(len(CLASSES), activation="softmax")(x))


model = network()
function = tf.function(lambda batch: model(batch, training=False), jit_compile=False)
app = FastAPI()


@app.post("/api/predict")
def predict(file: UploadFile):
    image = Image.open(io.BytesIO(file.file.read())).convert("RGB").resize((SIZE, SIZE), Image.BILINEAR)
    batch = np.asarray(image, np.float32)[None]
    if os.environ.get("HOW") == "predict":
        scores = model.predict(batch, verbose=0)[0]
    else:
        scores = function(tf.constant(batch)).numpy()[0]
    return {"class": CLASSES[int(scores.argmax())], "scores": dict(zip(CLASSES, map(float, scores)))}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
