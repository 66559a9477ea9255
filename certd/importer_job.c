/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "certd/importer_job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "certd/import_parse.h"
#include "certd/key.h"
#include "common/log.h"
#include "common/proto/certd_importer.h"

/* Nothing but memory, its channel, and what descriptors it was handed. */
static const struct sandbox_rules job_rules = {.role = "import", .files = SANDBOX_NO_FILES};

#define FIRST_ROOM 65536u /* bytes */

struct file {
	char name[IMPORT_FILE_MAX + 1];
	int fd;
	uint8_t *bytes;
	size_t length;
};

struct job {
	int channel;
	const struct importer_means *means;
	struct file files[IMPORT_FILES_MAX];
	uint32_t count;
	uint32_t now; /* the file at work */
	unsigned keys, certificates, notes;
	unsigned char seen[IMPORT_CERTS_MAX][32]; /* SHA-256 of the certificates */
	struct ipc_message message;
	char buffer[IPC_MESSAGE_MAX + 1] __attribute__((aligned(16)));
};

/* certd is gone, or there is nothing to say to it. */
static _Noreturn void
leave(int status)
{
	_exit(status);
}

static void
say(struct job *job, uint16_t type, const void *body, size_t size, const void *tail, size_t length)
{
	if (ipc_send_fd(job->channel, type, 0, body, size, tail, length, -1) == -1)
		leave(1);
}

static void
hear(struct job *job)
{
	struct error err;

	if (ipc_receive(job->channel, &import_job_boundary, IPC_SERVER, 1, job->buffer,
			&job->message, &err) != 1)
		leave(1);
}

static _Noreturn void
finish(struct job *job, const struct error *err)
{
	const struct cj_done done = {.ok = err == NULL};

	say(job, CJ_DONE, &done, sizeof(done), err == NULL ? NULL : err->text,
	    err == NULL ? 0 : strlen(err->text));
	leave(0);
}

/*
 * -- What import_parse() finds --------------------------------------------------
 */

static int
on_key(void *arg, EVP_PKEY *pkey, struct error *err)
{
	struct job *job = arg;
	const struct cj_piece piece = {.file = job->now};
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	uint8_t *der = NULL;
	int length = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);

	PKCS8_PRIV_KEY_INFO_free(info);
	if (length <= 0)
		return key_library_error(err, "the key");
	if (length > CJ_KEY_MAX)
		error_set(err, "the key is larger than %d bytes", CJ_KEY_MAX);
	else if (++job->keys > IMPORT_KEYS_MAX)
		error_set(err, "more than %d keys: give only the one", IMPORT_KEYS_MAX);
	else
		say(job, CJ_KEY, &piece, sizeof(piece), der, (size_t)length);
	OPENSSL_clear_free(der, (size_t)length);
	return length > CJ_KEY_MAX || job->keys > IMPORT_KEYS_MAX ? -1 : 0;
}

/* Did one of this host's authorities issue it; is it one of them? Advice, no more. */
static uint32_t
look_up(const struct job *job, X509 *certificate)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *issuer = NULL;
	uint32_t flags = 0;

	if (job->means->authorities == NULL)
		flags = CJ_UNKNOWN;
	else if (context != NULL &&
		 X509_STORE_CTX_init(context, job->means->authorities, certificate, NULL) == 1 &&
		 X509_STORE_CTX_get1_issuer(&issuer, context, certificate) == 1) {
		if (X509_cmp(issuer, certificate) == 0)
			flags = CJ_ROOT;
		else if (X509_verify(certificate, X509_get0_pubkey(issuer)) == 1)
			flags = CJ_ANCHORED;
	}
	X509_free(issuer);
	X509_STORE_CTX_free(context);
	return flags;
}

static int
on_certificate(void *arg, X509 *certificate, struct error *err)
{
	struct job *job = arg;
	struct cj_piece piece = {.file = job->now};
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint8_t *der = NULL;
	int length;

	if (X509_digest(certificate, EVP_sha256(), digest, NULL) != 1)
		return key_library_error(err, "a certificate");
	for (unsigned i = 0; i < job->certificates; i++) {
		if (memcmp(job->seen[i], digest, sizeof(job->seen[i])) == 0)
			return 0;
	}
	if (job->certificates == IMPORT_CERTS_MAX)
		return error_set(err,
				 "more than %d certificates: give only the server's and its chain",
				 IMPORT_CERTS_MAX);
	memcpy(job->seen[job->certificates++], digest, sizeof(job->seen[0]));
	length = i2d_X509(certificate, &der);
	if (length <= 0)
		return key_library_error(err, "a certificate");
	if (length > CERT_CHAIN_MAX) {
		OPENSSL_free(der);
		return error_set(err, "a certificate of more than %d bytes", CERT_CHAIN_MAX);
	}
	piece.flags = look_up(job, certificate);
	say(job, CJ_CERTIFICATE, &piece, sizeof(piece), der, (size_t)length);
	OPENSSL_free(der);
	return 0;
}

static int
on_note(void *arg, const char *text, struct error *err)
{
	struct job *job = arg;
	const struct cj_note note = {.file = job->now};

	(void)err;
	if (job->notes++ < IMPORT_NOTES_MAX)
		say(job, CJ_NOTE, &note, sizeof(note), text, strlen(text));
	return 0;
}

static int
on_passphrase(void *arg, char *buffer, size_t size, unsigned attempt, struct error *err)
{
	struct job *job = arg;
	const struct cj_need need = {.file = job->now, .attempt = attempt};
	const struct cj_passphrase *answer;
	size_t length;

	say(job, CJ_NEED, &need, sizeof(need), NULL, 0);
	hear(job);
	answer = job->message.body;
	length = job->message.tail_length;
	if (job->message.type != CJ_PASSPHRASE)
		leave(1);
	if (answer->given == 0)
		return error_set(err, attempt == 0 ? "is encrypted: give its pass phrase with "
						     "--passphrase-file, or on a terminal"
						   : "the pass phrase is wrong");
	/* What RFC 1421 armour is decrypted with has room for one byte less than posternctl. */
	if (length >= size)
		return error_set(err, "its pass phrase can't have more than %zu bytes", size - 1);
	memcpy(buffer, job->message.tail, length);
	buffer[length] = '\0';
	explicit_bzero(job->buffer, sizeof(job->buffer));
	return (int)length;
}

/*
 * -- From start to end ----------------------------------------------------------
 */

static void
receive_files(struct job *job)
{
	for (;;) {
		struct file *file;

		hear(job);
		if (job->message.type == CJ_GO)
			return;
		if (job->message.type != CJ_FILE || job->count == IMPORT_FILES_MAX ||
		    memchr(job->message.tail, '\0', job->message.tail_length) != NULL)
			leave(1);
		file = &job->files[job->count++];
		memcpy(file->name, job->message.tail, job->message.tail_length);
		file->fd = ipc_take_fd(&job->message);
	}
}

/* Room for more: at first little, for most files are; one byte beyond IMPORT_BYTES_MAX at most. */
static int
grow(struct file *file, size_t *room, struct error *err)
{
	size_t wanted = *room == 0 ? FIRST_ROOM : *room * 2;
	uint8_t *bytes;

	if (wanted > IMPORT_BYTES_MAX + 1)
		wanted = IMPORT_BYTES_MAX + 1;
	if (wanted == *room)
		return error_set(err, "is larger than %u MiB: is it the right file?",
				 IMPORT_BYTES_MAX >> 20);
	/* What is left behind ends with this process. */
	bytes = realloc(file->bytes, wanted);
	if (bytes == NULL)
		return error_errno(err, "reading it");
	file->bytes = bytes;
	*room = wanted;
	return 0;
}

/* All of it, until its end: it may be a pipe, or a terminal. One byte of room is left. */
static int
read_file(struct file *file, struct error *err)
{
	size_t room = 0;

	for (;;) {
		struct pollfd waiting = {.fd = file->fd, .events = POLLIN};
		ssize_t n;

		if (file->length + 1 >= room && grow(file, &room, err) == -1)
			return -1;
		n = read(file->fd, file->bytes + file->length, room - file->length - 1);
		if (n == 0)
			break;
		if (n > 0)
			file->length += (size_t)n;
		else if (errno == EISDIR)
			return error_set(err, "is a folder: name the files in it");
		else if (errno != EINTR && (errno != EAGAIN || poll(&waiting, 1, -1) == -1))
			return error_errno(err, "reading it");
	}
	close(file->fd);
	return file->length == 0 ? error_set(err, "is empty") : 0;
}

static void
limit(int resource, rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = {soft, hard};

	if (setrlimit((__rlimit_resource_t)resource, &limit) == -1)
		log_fatal("import.failed", "setting a limit: %s", strerror(errno));
}

static void
close_sandbox(const struct importer_means *means)
{
	struct rlimit lockable;
	struct error err;

	limit(RLIMIT_CPU, JOB_CPU_SECONDS, JOB_CPU_SECONDS + 1);
	limit(RLIMIT_FSIZE, 0, 0);
#ifndef SANITIZED /* which maps terabytes */
	limit(RLIMIT_AS, JOB_MEMORY, JOB_MEMORY);
#endif
	/* Locks are not inherited. As root there is no limit to what may be locked. */
	if (getrlimit(RLIMIT_MEMLOCK, &lockable) == 0 && lockable.rlim_cur >= JOB_MEMORY)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	if (sandbox_close_syscalls(&job_rules, means->sandbox, &err) == -1)
		log_fatal("import.failed", "%s", err.text);
}

void
importer_job_run(int channel, const struct importer_means *means)
{
	static struct job job; /* too large for a stack */
	const struct import_sink sink = {.key = on_key,
					 .certificate = on_certificate,
					 .note = on_note,
					 .passphrase = on_passphrase,
					 .arg = &job,
					 .legacy = means->legacy,
					 .iterations_max = IMPORT_ITERATIONS_MAX};
	struct error err;

	job.channel = channel;
	job.means = means;
	(void)fcntl(channel, F_SETFL, 0); /* blocking: there is nothing else to do */
	close_sandbox(means);
	receive_files(&job);
	for (uint32_t i = 0; i < job.count; i++) {
		if (read_file(&job.files[i], &err) == -1) {
			error_prefix(&err, "%s", job.files[i].name);
			finish(&job, &err);
		}
	}
	say(&job, CJ_READ, NULL, 0, NULL, 0);
	for (job.now = 0; job.now < job.count; job.now++) {
		struct file *file = &job.files[job.now];

		if (import_parse(file->bytes, file->length, &sink, &err) == -1) {
			error_prefix(&err, "%s", file->name);
			finish(&job, &err);
		}
	}
	finish(&job, NULL);
}
