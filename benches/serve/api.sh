#!/usr/bin/env bash
# Holds a running server to its own OpenAPI document: benches/serve/api.sh http://127.0.0.1:8080
# Needs schemathesis (pip install schemathesis). `positive_data_acceptance` is left out: that bytes are an image is
# more than a schema can say.
set -euo pipefail
schemathesis run "$1/api/openapi.json" --checks all --exclude-checks positive_data_acceptance --max-examples 100 --seed 7
