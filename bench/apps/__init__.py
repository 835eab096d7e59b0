"""The smallest Textual programs that do what a lane does: what a figure of the lane is measured against."""
