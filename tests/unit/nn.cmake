rs_test(nn SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_nn.c USES nn comm data num base)
rs_test(plan SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_plan.c USES plan job base)
rs_test(sequence SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sequence.c USES nn comm data num base)
rs_test(sequence_gradients SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sequence_gradients.c USES nn num_ref comm data num base)
