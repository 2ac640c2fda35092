# Tests of what is around the code: the include table, the application's own parts, the samples in deploy/.
find_program(KAIMEN_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

add_test(NAME includes.table COMMAND ${KAIMEN_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/includes/check_includes.py)
add_test(NAME includes.finds_bad_ones COMMAND ${KAIMEN_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/includes/check_includes.py --self-test)
set_tests_properties(includes.table includes.finds_bad_ones PROPERTIES LABELS includes TIMEOUT 60)

kaimen_tests(app kaimen_app)
