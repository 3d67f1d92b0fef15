#include <gemma4.h>
#include <stdio.h>

int main(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = NULL;
  printf("%s\n", gemma4_build_info());
  /* there is no model here; that it is missed is the library's own work */
  return gemma4_model_load("missing.gguf", GEMMA4_TEXT, NULL, &model, &error) != GEMMA4_ERROR_IO;
}
