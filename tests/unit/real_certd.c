/* SPDX-License-Identifier: ISC */
#include "tests/unit/real_certd.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/proto/master_certd.h"

#define PATIENCE 30000 /* milliseconds: a key of RSA-4096 takes a while, more so under ASan */

void
real_certd_init(struct real_certd *certd, const char *program)
{
	memset(certd, 0, sizeof(*certd));
	certd->program = program;
	certd->control = -1;
	strlcpy(certd->folder, "/tmp/postern-certd.XXXXXX", sizeof(certd->folder));
	if (mkdtemp(certd->folder) == NULL || chmod(certd->folder, 0700) == -1)
		err(1, "%s", certd->folder);
}

static void
tell(struct real_certd *certd, uint16_t type, const void *body, size_t length, const char *tail,
     size_t tail_length, int fd)
{
	if (ipc_send_fd(certd->control, type, 0, body, length, tail, tail_length, fd) == -1)
		err(1, "speaking to certd");
}

void
real_certd_start(struct real_certd *certd)
{
	const struct mc_identity identity = {
	    .uid = UINT32_MAX, .gid = UINT32_MAX, .sandbox = SANDBOX_BEST_EFFORT, .log_level = 4};
	const struct child_spec spec = {certd->program, "certd", &identity, STDERR_FILENO};
	const struct md_settings settings = {.uid = getuid()};
	struct error error;
	int folder = open(certd->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder == -1)
		err(1, "%s", certd->folder);
	certd->pid = child_spawn(&spec, &certd->control, &error);
	if (certd->pid == -1)
		errx(1, "%s", error.text);
	tell(certd, MD_SETTINGS, &settings, sizeof(settings), NULL, 0, folder);
	tell(certd, MC_START, NULL, 0, NULL, 0, -1);
	close(folder);
}

void
real_certd_create(struct real_certd *certd, const char *name, enum cert_key_kind kind,
		  const char *host)
{
	struct cc_create create = {.key = kind, .days = 30, .count = 1};
	struct ipc_message message;
	struct error error;
	char *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct pollfd waiting = {.events = POLLIN};
	int sv[2];

	if (buffer == NULL || ipc_pair(sv) == -1)
		err(1, "a channel to certd");
	tell(certd, MD_ADMIN, NULL, 0, NULL, 0, sv[1]);
	close(sv[1]);
	strlcpy(create.name, name, sizeof(create.name));
	if (ipc_send_fd(sv[0], CC_CREATE, 1, &create, sizeof(create), host, strlen(host) + 1, -1) ==
	    -1)
		err(1, "asking certd for a key");
	waiting.fd = sv[0];
	/* How far it is comes each second: none where the key is quick. */
	do {
		if (poll(&waiting, 1, PATIENCE) != 1 ||
		    ipc_receive(sv[0], &ctl_certd_boundary, IPC_CLIENT, 1, buffer, &message,
				&error) != 1)
			errx(1, "certd makes no key");
	} while (message.type == CC_PROGRESS);
	if (((const struct cc_result *)message.body)->ok != 1)
		errx(1, "certd: %s", message.tail);
	close(sv[0]);
	free(buffer);
}

int
real_certd_channel(struct real_certd *certd, const char *const *names, unsigned count)
{
	const struct md_gate gate = {.gate = 1, .count = count};
	char tail[1024];
	size_t used = 0;
	int sv[2];

	for (unsigned i = 0; i < count; i++)
		used += strlcpy(tail + used, names[i], sizeof(tail) - used) + 1;
	if (ipc_pair(sv) == -1)
		err(1, "a channel to certd");
	tell(certd, MD_GATE, &gate, sizeof(gate), tail, used, sv[1]);
	close(sv[1]);
	return sv[0];
}

static void
copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char bytes[16384];
	ssize_t n = in == -1 ? -1 : read(in, bytes, sizeof(bytes));

	if (n == -1 || out == -1 || write(out, bytes, (size_t)n) != n)
		err(1, "%s", to);
	close(in);
	close(out);
}

void
real_certd_swap(struct real_certd *certd, const char *name, const char *from)
{
	static const char *const suffixes[] = {"key", "crt"};
	char source[256], target[256], aside[260];

	for (size_t i = 0; i < 2; i++) {
		snprintf(source, sizeof(source), "%s/%s.%s", certd->folder, from, suffixes[i]);
		snprintf(target, sizeof(target), "%s/%s.%s", certd->folder, name, suffixes[i]);
		snprintf(aside, sizeof(aside), "%s~", target);
		copy_file(source, aside);
		if (rename(aside, target) == -1)
			err(1, "%s", target);
	}
	tell(certd, MD_RELOAD, NULL, 0, NULL, 0, -1);
}

void
real_certd_kill(struct real_certd *certd)
{
	kill(certd->pid, SIGKILL);
	waitpid(certd->pid, NULL, 0);
	close(certd->control);
	certd->control = -1;
}

void
real_certd_free(struct real_certd *certd)
{
	DIR *folder = opendir(certd->folder);
	struct dirent *entry;

	real_certd_kill(certd);
	while (folder != NULL && (entry = readdir(folder)) != NULL)
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder != NULL)
		closedir(folder);
	rmdir(certd->folder);
}
