/* SPDX-License-Identifier: ISC */
#include "master/sink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum log_format
sink_default(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char device[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return LOG_FORMAT_STDERR;
	snprintf(device, sizeof(device), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, device) == 0 ? LOG_FORMAT_JOURNAL : LOG_FORMAT_STDERR;
}

enum log_format
sink_configured(const struct configuration *conf)
{
	switch ((enum conf_log)conf->log) {
	case CONF_LOG_STDERR:
		return LOG_FORMAT_STDERR;
	case CONF_LOG_SYSLOG:
		return LOG_FORMAT_SYSLOG;
	case CONF_LOG_JOURNAL:
		return LOG_FORMAT_JOURNAL;
	case CONF_LOG_AUTO:
		break;
	}
	return sink_default();
}

int
sink_open(enum log_format format, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd, result = 0;

	if (format == LOG_FORMAT_SYSLOG) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			return error_errno(err, "syslog");
		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == -1)
			result = error_errno(err, "syslog: /dev/log");
		else if (dup2(fd, STDERR_FILENO) == -1)
			result = error_errno(err, "syslog: dup2");
		close(fd);
	}
	if (result == 0)
		log_init("postern", format);
	return result;
}
