rs_test(relay SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_relay.c ${CMAKE_SOURCE_DIR}/src/cli/relay.c
        USES base)
rs_test(deadline
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_deadline.c ${CMAKE_SOURCE_DIR}/src/cli/deadline.c
        USES base)
rs_test(scaling
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_scaling.c ${CMAKE_SOURCE_DIR}/src/cli/scaling.c)
rs_test(slurm
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_slurm.c ${CMAKE_SOURCE_DIR}/src/cli/slurm.c
                ${CMAKE_SOURCE_DIR}/src/cli/program.c
        USES base)
rs_test(cgroup
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cgroup.c ${CMAKE_SOURCE_DIR}/src/cli/cgroup.c
        USES base)
