// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image.h"
#include "lib.h"

bool image_read(struct image *image)
{
	image->bytes = read_bytes(module_path(), &image->len);
	return image->bytes;
}

void image_free(struct image *image)
{
	free(image->bytes);
}

unsigned int image_rename(struct image *image, const char *name, const char *other)
{
	char *end = image->bytes + image->len, *at = image->bytes;
	size_t size = strlen(name) + 1;
	unsigned int count = 0;

	while ((at = memmem(at, end - at, name, size))) {
		if (at > image->bytes && !at[-1]) {
			memcpy(at, other, size);
			count++;
		}
		at += size;
	}
	return count;
}

static Elf64_Shdr *section(const struct image *image, const char *name)
{
	Elf64_Ehdr *elf = (void *)image->bytes;
	Elf64_Shdr *sections = (void *)(image->bytes + elf->e_shoff);
	const char *names = image->bytes + sections[elf->e_shstrndx].sh_offset;
	unsigned int i;

	for (i = 0; i < elf->e_shnum; i++)
		if (!strcmp(names + sections[i].sh_name, name))
			return &sections[i];
	return NULL;
}

/* struct module has it where no other member can hold the same bytes. */
bool image_name(struct image *image, const char *name)
{
	Elf64_Shdr *module = section(image, ".gnu.linkonce.this_module");
	char *at = module ? memmem(image->bytes + module->sh_offset, module->sh_size, "sshobs",
				   sizeof("sshobs")) : NULL;

	if (!at || strlen(name) >= sizeof("sshobs"))
		return false;
	strcpy(at, name);
	return true;
}

int image_load(const struct image *image, const char *params)
{
	return syscall(SYS_init_module, image->bytes, image->len, params) ? -errno : 0;
}
