"""The program on a machine reached by ssh, with its queue of jobs and the files that it sends."""
