rs_test(num SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_num.c USES num num_ref base)
rs_test(subspace SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_subspace.c USES num base)
rs_test(gru SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gru.c USES num num_ref base)
