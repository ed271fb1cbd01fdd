rs_test(speech SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_speech.c USES exp nn plan job data dsp comm num base)
target_include_directories(test_speech PRIVATE ${CMAKE_SOURCE_DIR}/src/exp)
rs_test(detection SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_detection.c USES exp base)
rs_test(denoiser SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_denoiser.c USES exp plan nn job data dsp comm num base)
