#include "app/run.h"

int main(int argc, char** argv) { return kaimen::app::run(argc, argv); }
