/* SPDX-License-Identifier: ISC */
#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/write_all.h"

int
output_open(struct output *output, const char *file, enum output_kind kind, struct error *err)
{
	const mode_t mode = kind == OUTPUT_SECRET ? 0600 : 0644;

	*output = (struct output){file, STDOUT_FILENO};
	if (file == NULL) {
		if (kind == OUTPUT_SECRET && isatty(STDOUT_FILENO) == 1)
			return error_set(err,
					 "a private key does not go to a terminal: say --out FILE");
		return 0;
	}
	output->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (output->fd == -1 && errno == EEXIST)
		return error_set(err, "%s: is there already: choose another name, or remove it",
				 file);
	if (output->fd == -1)
		return error_errno(err, "%s", file);
	return 0;
}

int
output_write(const struct output *output, const void *bytes, size_t length, struct error *err)
{
	if (write_all(output->fd, bytes, length) == -1)
		return error_errno(err, "writing %s",
				   output->file == NULL ? "to standard output" : output->file);
	return 0;
}

int
output_data(uint32_t kind, const char *bytes, size_t length, void *output, struct error *err)
{
	(void)kind;
	return output_write(output, bytes, length, err);
}

int
output_close(struct output *output, int result, struct error *err)
{
	if (output->file == NULL || output->fd == -1)
		return result;
	if (result == 0 && fsync(output->fd) == -1)
		result = error_errno(err, "writing %s", output->file);
	if (close(output->fd) == -1 && result == 0)
		result = error_errno(err, "writing %s", output->file);
	if (result == -1)
		(void)unlink(output->file);
	output->fd = -1;
	return result;
}
