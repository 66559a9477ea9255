/* SPDX-License-Identifier: ISC */
#include "master/conf.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/proto/master_certd.h"
#include "master/conf_keys.h"

static void
add_problem(struct conf_problems *problems, struct conf_where where, bool warning,
	    const char *format, va_list ap)
{
	struct conf_problem *p;

	if (!warning)
		problems->errors++;
	if (problems->count == CONF_PROBLEMS_MAX)
		return;
	p = &problems->list[problems->count++];
	p->file = where.file ? strdup(where.file) : NULL;
	p->line = where.line;
	p->warning = warning;
	vsnprintf(p->text, sizeof(p->text), format, ap);
}

void
conf_problem(struct conf_problems *problems, struct conf_where where, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_problem(problems, where, false, format, ap);
	va_end(ap);
}

void
conf_warning(struct conf_problems *problems, struct conf_where where, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_problem(problems, where, true, format, ap);
	va_end(ap);
}

void
conf_problems_free(struct conf_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->list[i].file);
	memset(problems, 0, sizeof(*problems));
}

void
conf_problems_print(const struct conf_problems *problems, FILE *out)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *p = &problems->list[i];

		if (p->file != NULL)
			fprintf(out, "%s:", p->file);
		if (p->line != 0)
			fprintf(out, "%u:", p->line);
		fprintf(out, " %s%s\n", p->warning ? "warning: " : "", p->text);
	}
}

void
conf_problems_log(const struct conf_problems *problems)
{
	char where[PATH_MAX + 16];

	for (size_t i = 0; i < problems->count; i++) {
		const struct conf_problem *p = &problems->list[i];

		if (p->line != 0)
			snprintf(where, sizeof(where), "%s:%u", p->file ? p->file : "", p->line);
		else
			strlcpy(where, p->file ? p->file : "", sizeof(where));
		log_event(p->warning ? LOG_WARNING : LOG_ERR,
			  p->warning ? "config.warning" : "config.error", KV_STR("where", where),
			  KV_STR("why", p->text));
	}
}

const char *
conf_file(struct configuration *conf, const char *name)
{
	char **files;

	for (size_t i = 0; i < conf->file_count; i++) {
		if (strcmp(conf->files[i], name) == 0)
			return conf->files[i];
	}
	files = reallocarray(conf->files, conf->file_count + 1, sizeof(*files));
	if (files == NULL)
		return NULL;
	conf->files = files;
	files[conf->file_count] = strdup(name);
	if (files[conf->file_count] == NULL)
		return NULL;
	return files[conf->file_count++];
}

void
conf_free(struct configuration *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->domain_count; i++)
		free(conf->domains[i]);
	for (size_t i = 0; i < conf->file_count; i++)
		free(conf->files[i]);
	free(conf->domains);
	free(conf->addresses.domains);
	free(conf->files);
	for (size_t i = 0; i < conf->listener_count; i++) {
		free(conf->listeners[i].client_authorities);
		free(conf->listeners[i].client_crl);
	}
	free(conf->listeners);
	for (size_t i = 0; i < conf->watch_count; i++)
		free(conf->watches[i].folder);
	free(conf->watches);
	free(conf->path);
	free(conf->state);
	free(conf->accounts);
	free(conf->certs);
	free(conf->relay.standard.password_file);
	for (size_t i = 0; i < conf->relay.route_count; i++)
		free(conf->relay.routes[i].password_file);
	free(conf->relay.routes);
	free(conf->relay.anchors);
	free(conf->relay.authorities);
	free(conf);
}

bool
conf_has_domain(const struct configuration *conf, const char *domain)
{
	for (size_t i = 0; i < conf->domain_count; i++) {
		if (strcmp(conf->domains[i], domain) == 0)
			return true;
	}
	return false;
}

static bool
has_name(const char *names, size_t length, const char *name)
{
	for (const char *n = names; n < names + length; n += strlen(n) + 1) {
		if (strcmp(n, name) == 0)
			return true;
	}
	return false;
}

size_t
conf_certificates(const struct configuration *conf, char *out, size_t *length)
{
	size_t count = 0;

	*length = 0;
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		for (size_t j = 0; l->tls != TLS_NONE && j < l->certificates.count; j++) {
			const char *name = l->certificates.name[j];
			size_t size = strlen(name) + 1;

			if (has_name(out, *length, name) || size > CERTD_NAMES_MAX - *length)
				continue;
			memcpy(out + *length, name, size);
			*length += size;
			count++;
		}
	}
	return count;
}

struct gc_listener
conf_listener_label(const struct conf_listener *listener)
{
	return (struct gc_listener){.port = (uint16_t)listener->port,
				    .service = (uint8_t)listener->service};
}

void
conf_gate_keys(const struct configuration *conf, struct md_gate *gate, char *out, size_t *length)
{
	gate->count = (uint32_t)conf_certificates(conf, out, length);
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		if (l->tls == TLS_NONE)
			continue;
		if (gate->listener_count < CERTD_LISTENERS_MAX)
			gate->listeners[gate->listener_count++] = conf_listener_label(l);
		if (l->sni == SNI_ANY || l->sni == SNI_STRICT)
			gate->any = 1;
		if (l->certificates.count == 0)
			strlcpy(gate->host, conf->hostname, sizeof(gate->host));
		if (l->weak)
			gate->weak = 1;
	}
}

/* libconfig's own complaint about the text. */
static void
syntax_problem(struct conf_reader *r, const config_t *file)
{
	struct conf_where where = {.file = config_error_file(file),
				   .line = (unsigned)config_error_line(file)};
	const char *text = config_error_text(file);

	if (where.file == NULL)
		where.file = r->conf->path;
	conf_problem(r->problems, where, "%s", text ? text : "cannot be read");
}

/* From libconfig's tree, or from its refusal of it, to the struct. */
static void
read_tree(struct conf_reader *r, const config_t *file, bool parsed)
{
	if (!parsed) {
		syntax_problem(r, file);
		return;
	}
	conf_table_read(r, config_root_setting(file), conf_keys, r->conf);
	conf_keys_finish(r, config_root_setting(file));
	conf_listeners_finish(r);
	conf_addresses_finish(r);
	conf_relay_finish(r);
}

static char *
absolute_path(const char *path)
{
	char cwd[PATH_MAX], *out;

	if (path[0] == '/')
		return strdup(path);
	if (getcwd(cwd, sizeof(cwd)) == NULL || asprintf(&out, "%s/%s", cwd, path) == -1)
		return NULL;
	return out;
}

/* STREAM, or, where that is NULL, TEXT. */
static struct configuration *
load(FILE *stream, const char *text, const char *path, struct conf_problems *problems)
{
	struct conf_reader r = {.problems = problems};
	size_t errors = problems->errors;
	char *folder;
	config_t file;
	int parsed;

	r.conf = calloc(1, sizeof(*r.conf));
	if (r.conf != NULL)
		r.conf->path = absolute_path(path);
	folder = r.conf && r.conf->path ? strdup(r.conf->path) : NULL;
	if (folder == NULL) {
		conf_problem(problems, (struct conf_where){.file = path}, "out of memory");
		conf_free(r.conf);
		return NULL;
	}
	conf_keys_start(&r);
	config_init(&file);
	config_set_include_dir(&file, dirname(folder));
	parsed = stream ? config_read(&file, stream) : config_read_string(&file, text);
	read_tree(&r, &file, parsed == CONFIG_TRUE);
	config_destroy(&file);
	free(folder);
	if (problems->errors == errors)
		return r.conf;
	conf_free(r.conf);
	return NULL;
}

/*
 * All of STREAM, and a newline: to libconfig, a comment in the last line is a syntax error if that
 * line doesn't end. NULL with errno set.
 */
static char *
read_whole(FILE *stream, size_t *length)
{
	char *text = NULL, buffer[4096], last = '\0';
	FILE *out = open_memstream(&text, length);
	size_t n;
	int failed;

	if (out == NULL)
		return NULL;
	while ((n = fread(buffer, 1, sizeof(buffer), stream)) > 0) {
		(void)fwrite(buffer, 1, n, out);
		last = buffer[n - 1];
	}
	failed = ferror(stream) ? errno : 0;
	if (last != '\n')
		(void)fputc('\n', out);
	if (fclose(out) == EOF && failed == 0)
		failed = errno;
	if (failed == 0)
		return text;
	free(text);
	errno = failed;
	return NULL;
}

struct configuration *
conf_load(const char *path, struct conf_problems *problems)
{
	struct configuration *conf = NULL;
	FILE *stream = fopen(path, "re"), *whole;
	char *text;
	size_t length;

	if (stream == NULL) {
		conf_problem(problems, (struct conf_where){.file = path}, "cannot be opened: %s",
			     strerror(errno));
		return NULL;
	}
	text = read_whole(stream, &length);
	whole = text == NULL ? NULL : fmemopen(text, length, "r");
	if (whole == NULL) {
		conf_problem(problems, (struct conf_where){.file = path}, "cannot be read: %s",
			     strerror(errno));
	} else {
		conf = load(whole, NULL, path, problems);
		fclose(whole);
	}
	free(text);
	fclose(stream);
	return conf;
}

struct configuration *
conf_load_text(const char *text, const char *path, struct conf_problems *problems)
{
	return load(NULL, text, path, problems);
}
