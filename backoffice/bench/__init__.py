"""What `./bin/bench` measures: real processes of the product, and a sandbox hospital in one of its own."""
