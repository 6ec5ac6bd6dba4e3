"""EfficientNet-B0 without its classifier: one forward pass at 224x224.

    python benches/peers/efficientnet_b0_forward.py --batch 8 --threads 2 --runs 10
"""

import forward
import networks

if __name__ == "__main__":
    forward.main(__doc__, networks.efficientnet_b0)
