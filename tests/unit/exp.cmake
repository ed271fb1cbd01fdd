rs_test(speech INSIDE exp SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_speech.c USES exp nn plan job data dsp comm num base)
rs_test(detection INSIDE exp SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_detection.c USES exp base)
rs_test(denoiser INSIDE exp SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_denoiser.c USES exp plan nn job data dsp comm num base)
rs_test(pairs INSIDE exp SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_pairs.c USES exp nn plan job data dsp comm num base)
