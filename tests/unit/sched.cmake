rs_test(past INSIDE sched SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_past.c USES sched LIBS RS::hdf5 PkgConfig::jansson)
rs_test(neighbours INSIDE sched SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_neighbours.c USES sched LIBS RS::hdf5 PkgConfig::jansson)
rs_test(running INSIDE sched SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_running.c USES sched)
rs_test(sched SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sched.c USES sched)
rs_test(sched_random
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sched_random.c ${CMAKE_CURRENT_LIST_DIR}/sched_model.c
  USES sched)
rs_test(keep INSIDE sched SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_keep.c USES sched)
rs_test(run_files SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_run_files.c USES run)
rs_test(provenance INSIDE sched SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_provenance.c USES sched store LIBS PkgConfig::jansson)
