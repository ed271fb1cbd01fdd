# The program is no library: a test takes the sources that it is about.
set(here ${CMAKE_CURRENT_LIST_DIR})
set(launch ${CMAKE_SOURCE_DIR}/src/cli/launch)
rs_test(relay INSIDE cli SOURCES ${here}/test_relay.c ${launch}/relay.c USES base)
rs_test(deadline INSIDE cli SOURCES ${here}/test_deadline.c ${launch}/deadline.c USES base)
rs_test(slurm INSIDE cli SOURCES ${here}/test_slurm.c ${launch}/slurm.c ${launch}/program.c USES base)
rs_test(cgroup INSIDE cli SOURCES ${here}/test_cgroup.c ${launch}/cgroup.c USES base)
rs_test(scaling INSIDE cli SOURCES ${here}/test_scaling.c ${CMAKE_SOURCE_DIR}/src/cli/bench/scaling.c)
