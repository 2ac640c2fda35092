# Tests of what is around the code: the include table, the application's own parts, the samples in deploy/.
find_program(KAIMEN_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

add_test(NAME includes.table COMMAND ${KAIMEN_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/includes/check_includes.py)
add_test(NAME includes.finds_bad_ones COMMAND ${KAIMEN_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/includes/check_includes.py --self-test)
set_tests_properties(includes.table includes.finds_bad_ones PROPERTIES LABELS includes TIMEOUT 60)

# Tests with Postgres or Mysql in their names get that server.
kaimen_test_program(app kaimen_app kaimen_test_servers)
gtest_discover_tests(app_tests TEST_LIST app_alone TEST_FILTER "-*Postgres*:*Mysql*" TEST_PREFIX app. DISCOVERY_TIMEOUT 60
  PROPERTIES TIMEOUT 120 LABELS app)
gtest_discover_tests(app_tests TEST_LIST app_postgres TEST_FILTER "*Postgres*" TEST_PREFIX app. DISCOVERY_TIMEOUT 60
  PROPERTIES TIMEOUT 120 LABELS app FIXTURES_REQUIRED postgres)
gtest_discover_tests(app_tests TEST_LIST app_mysql TEST_FILTER "*Mysql*" TEST_PREFIX app. DISCOVERY_TIMEOUT 60
  PROPERTIES TIMEOUT 120 LABELS app FIXTURES_REQUIRED mariadb)
