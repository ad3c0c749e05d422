"""Looking at a Linux host and its link without touching either: what `vipservice doctor` judges by."""
