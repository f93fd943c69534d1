"""Speed and memory of the metrics beside their peers: `python -m benchmarks.metrics [DATA]`.

One run, the same inputs, one process: every line prints ours, the peer's and the ratio. Peers that
are not installed (extra `bench-metrics`) are named as missing. DATA is a JSON Lines file with
`prompt` and `samples`; without it the profile of programs is left out.
"""
