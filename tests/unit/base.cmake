rs_test(base SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_base.c USES base)
