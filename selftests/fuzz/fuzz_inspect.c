// SPDX-License-Identifier: GPL-2.0
/*
 * Answers of SSHOBS_IOC_SNAPSHOT, through userspace/snapshot.c, links.c and what "sshobs inspect"
 * prints.
 *
 * An input is a sequence of processes: for each of the five parts two bytes with its length, and the
 * answer. A length of 0xffff is the error ENODATA.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/inspect.h"
#include "../golden/fake-processes.h"
#include "fuzz.h"

#define DEVICE 77

static void make_fake(struct fake *fake, struct input *input)
{
	struct sshobs_task_info task = { 0 };
	size_t part;

	for (part = 0; part < FAKE_PARTS; part++) {
		size_t len = input_number(input, 2);

		fake->error[part] = len == 0xffff ? ENODATA : 0;
		len = len == 0xffff ? 0 : len;
		fake->bytes[part] = input_bytes(input, &len);
		fake->len[part] = len;
	}
	if (fake->len[0] >= sizeof(task))
		memcpy(&task, fake->bytes[0], sizeof(task));
	fake->pid = (uint32_t)n_fakes;
	fake->start_ns = task.start_ns;
}

static void print(const struct inspection *inspection, const struct links *links)
{
	out_begin();
	if (view_inspect(inspection, links, true) || view_inspect(inspection, links, false))
		abort();
	free(out_end(NULL));
	out_begin();
	view_inspect_json(inspection, links);
	out_end_json();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot processes[FAKE_PROCESSES] = { 0 };
	struct inspection inspection = { .origin = &fuzz_origin,
					 .session = 7,
					 .processes = processes };
	struct input input = { data, size };
	struct links links;
	size_t i;

	fake_forget();
	while (input.left && n_fakes < FAKE_PROCESSES)
		make_fake(&fakes[n_fakes++], &input);
	for (i = 0; i < n_fakes; i++)
		inspection.n += !snapshot_take(&processes[inspection.n], DEVICE, fakes[i].pid,
					       SSHOBS_SNAPSHOT_ANY);
	if (links_find(&links, processes, inspection.n, FAKE_COOKIE))
		abort();
	print(&inspection, &links);
	links_free(&links);
	for (i = 0; i < inspection.n; i++)
		snapshot_free(&processes[i]);
	fake_forget();
	return 0;
}
