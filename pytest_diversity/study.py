"""Studies of the stored samples, in place of running tests: plan, self-test, calibration."""
