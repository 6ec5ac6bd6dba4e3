"""VGG16's 13 convolutions and 5 poolings: one forward pass at 224x224.

    python benches/peers/vgg16_forward.py --batch 8 --threads 2 --runs 10
"""

import forward
import networks

if __name__ == "__main__":
    forward.main(__doc__, networks.vgg16)
