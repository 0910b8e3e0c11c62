/* A minimal libuv server that sends back what it receives. It measures the bare cost of a round trip. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

static char buffer[65536];

static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)handle;
    (void)suggested;
    *room = uv_buf_init(buffer, sizeof buffer);
}

static void closed(uv_handle_t *handle) { free(handle); }

static void echo(uv_stream_t *peer, ssize_t count, const uv_buf_t *bytes) {
    if (count < 0) {
        uv_close((uv_handle_t *)peer, closed);
        return;
    }
    uv_buf_t reply = uv_buf_init(bytes->base, (unsigned)count);
    /* The clients of the benchmark always read. */
    if (count > 0 && uv_try_write(peer, &reply, 1) != count) abort();
}

static void greet(uv_stream_t *listener, int status) {
    if (status < 0) return;
    uv_pipe_t *peer = malloc(sizeof *peer);
    if (peer == NULL) abort();
    uv_pipe_init(listener->loop, peer, 0);
    if (uv_accept(listener, (uv_stream_t *)peer) == 0)
        uv_read_start((uv_stream_t *)peer, lend, echo);
    else
        uv_close((uv_handle_t *)peer, closed);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: echo SOCKET\n");
        return 64;
    }
    uv_loop_t *loop = uv_default_loop();
    uv_pipe_t listener;
    uv_pipe_init(loop, &listener, 0);
    unlink(argv[1]);
    if (uv_pipe_bind(&listener, argv[1]) != 0 || uv_listen((uv_stream_t *)&listener, 16, greet) != 0) return 69;
    return uv_run(loop, UV_RUN_DEFAULT);
}
