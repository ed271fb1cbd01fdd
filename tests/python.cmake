# The Python that has Debian's modules: a `python3` earlier on the path may have none of them.
find_program(RS_PYTHON python3 HINTS /usr/bin NO_CMAKE_ENVIRONMENT_PATH NO_SYSTEM_ENVIRONMENT_PATH REQUIRED)
