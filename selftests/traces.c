// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib.h"
#include "traces.h"

#define DEBUG		"/sys/kernel/debug"
/* Not below DEBUG, where 7.x complains of whoever looks. */
#define TRACING		"/sys/kernel/tracing"
#define NAME		"sshobs"
#define PATIENCE_MS	15000
/* More than the kernel's own caches grow by, and less than a page for each of 1,000 cycles. */
#define SLAB_KB		3072

/* Lines of a file that a function picks; each goes to the text. */
static int lines(FILE *text, const char *path, bool (*pick)(const char *line))
{
	FILE *file = fopen(path, "re");
	char line[1024];
	int count = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (!pick(line))
			continue;
		if (text)
			fprintf(text, "%s: %s", path, line);
		count++;
	}
	if (file)
		fclose(file);
	return count;
}

static bool any(const char *line)
{
	return *line;
}

static bool names_module(const char *line)
{
	return strstr(line, NAME);
}

static bool is_area(const char *line)
{
	return !strstr(line, "unpurged") && !strstr(line, "vm_map_ram") &&
	       !strstr(line, "dup_task_struct") && !strstr(line, "alloc_thread_stack") &&
	       !strstr(line, "copy_process") && !strstr(line, "kernel_clone");
}

/* Entries of a folder with the module's name. */
static int entries(FILE *text, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		if (!names_module(entry->d_name))
			continue;
		fprintf(text, "%s/%s\n", path, entry->d_name);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

static int threads(FILE *text)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int count = 0;
	char path[280];

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		count += lines(text, path, names_module);
	}
	if (dir)
		closedir(dir);
	return count;
}

static long meminfo(const char *key)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kb = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			kb = atol(line + strlen(key));
	if (file)
		fclose(file);
	return kb;
}

/* Caches of slabs show only where the kernel was told not to merge them (slab_nomerge); else it
 * leaves a link of their name in /sys/kernel/slab.
 */
void traces_read(struct traces *traces)
{
	size_t size;
	FILE *text = open_memstream(&traces->text, &size);

	traces->own = entries(text, "/dev") + entries(text, "/sys/module") +
		      entries(text, "/sys/class/misc") +
		      entries(text, "/sys/devices/virtual/workqueue") + threads(text) +
		      lines(text, "/proc/modules", names_module) +
		      lines(text, "/proc/misc", names_module) +
		      lines(text, "/proc/slabinfo", names_module) +
		      lines(text, "/proc/vmallocinfo", names_module);
	traces->functions = lines(text, DEBUG "/kprobes/list", any) +
			    lines(text, TRACING "/enabled_functions", any);
	fclose(text);
	traces->areas = lines(NULL, "/proc/vmallocinfo", is_area);
	traces->slab_kb = meminfo("SUnreclaim:");
	traces->percpu_kb = meminfo("Percpu:");
}

void traces_free(struct traces *traces)
{
	free(traces->text);
}

/* A kernel that watches itself keeps what was freed, and a note of everything. */
static bool memory_tells(void)
{
	return access(DEBUG "/kmemleak", F_OK);
}

static bool differ(const struct traces *before, const struct traces *now)
{
	return now->own != before->own || now->functions != before->functions ||
	       now->areas > before->areas ||
	       (memory_tells() && (now->percpu_kb > before->percpu_kb ||
				   now->slab_kb > before->slab_kb + SLAB_KB));
}

char *traces_differ(const struct traces *before)
{
	uint64_t start = now_ms();
	struct traces now;
	char *words = NULL;

	traces_read(&now);
	while (differ(before, &now) && now_ms() - start < PATIENCE_MS) {
		traces_free(&now);
		usleep(100000);
		traces_read(&now);
	}
	if (differ(before, &now) &&
	    asprintf(&words, "%d own, %d functions, %d areas, %ld KiB of slabs, %ld KiB per CPU;\n"
		     "before: %d, %d, %d, %ld, %ld\n%s",
		     now.own, now.functions, now.areas, now.slab_kb, now.percpu_kb, before->own,
		     before->functions, before->areas, before->slab_kb, before->percpu_kb,
		     now.text) < 0)
		words = strdup("no memory to say what");
	traces_free(&now);
	return words;
}
