"""事件流转: one matter from report to archive, with its owner, its clock and its end."""
