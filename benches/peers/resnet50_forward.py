"""ResNet-50 without its classifier: one forward pass at 224x224.

    python benches/peers/resnet50_forward.py --batch 8 --threads 2 --runs 10
"""

import forward
import networks

if __name__ == "__main__":
    forward.main(__doc__, networks.resnet50)
