// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proc.h"

uint32_t proc_stat(uint32_t pid, enum proc_field field)
{
	char path[64], line[512];
	const char *at = NULL;
	unsigned int i;
	long value;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* The second field, "(COMM)", may hold anything, so look from its end. */
	if (fgets(line, sizeof(line), file))
		at = strrchr(line, ')');
	fclose(file);
	for (i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	value = at ? strtol(at + 1, NULL, 10) : 0;
	return value > 0 ? (uint32_t)value : 0;
}
