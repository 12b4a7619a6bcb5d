"""The sample service ``discoverableclient`` and the development certificates of the quick start."""
