/* SPDX-License-Identifier: GPL-2.0 */
/* The module's file in memory, to be loaded after it was changed. */
#ifndef _SSHOBS_SELFTESTS_IMAGE_H
#define _SSHOBS_SELFTESTS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

struct image {
	char	*bytes;
	size_t	len;
};

bool image_read(struct image *image);
void image_free(struct image *image);
/* Replace each string that is this name by another one that is as long. Return how many. */
unsigned int image_rename(struct image *image, const char *name, const char *other);
/* Have the kernel take it for another module; its own strings stay. Return true if that worked. */
bool image_name(struct image *image, const char *name);
/* Load it. Return 0 or -errno. */
int image_load(const struct image *image, const char *params);

#endif /* _SSHOBS_SELFTESTS_IMAGE_H */
