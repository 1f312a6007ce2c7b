#!/usr/bin/env bash
# Fails when policy or ike reach for the outside world: their archives may not need sockets, clocks,
# files, randomness, the environment, threads or sleep. Time and randomness are handed in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}

functions=(
    # sockets and the network
    socket socketpair bind connect listen accept accept4 send sendto sendmsg sendmmsg
    recv recvfrom recvmsg recvmmsg setsockopt getsockopt getaddrinfo gethostbyname if_nametoindex
    # clocks
    clock_gettime clock_getres gettimeofday time ftime times localtime localtime_r timer_create
    # files and devices
    open open64 openat openat64 creat fopen fopen64 fdopen freopen read write pread pwrite close
    ioctl fcntl mmap stat fstat lstat access unlink opendir stdin stdout stderr popen
    # randomness
    getrandom getentropy rand rand_r srand random srandom drand48 arc4random arc4random_buf
    # environment, processes, threads, waiting
    getenv secure_getenv setenv putenv environ fork vfork execve execvp posix_spawn system syscall
    pthread_create sleep usleep nanosleep clock_nanosleep sched_yield poll ppoll select epoll_wait
)
cpp='std::chrono::_V2::(system|steady)_clock::now|std::random_device::|std::basic_(i|o)?fstream<'
cpp+='|std::basic_filebuf<|std::filesystem::|std::thread::|std::(w?cin|w?cout|w?cerr|w?clog)$'
cpp+='|Botan::(AutoSeeded_RNG|System_RNG|Processor_RNG|system_rng)|boost::asio::|spdlog::'

pattern="^($(IFS='|'; echo "${functions[*]}"))(@.*)?$|^($cpp)"

status=0
found=0
for archive in build/"$preset"/lib/libviaduct_{policy,wire,crypto,ike}.a; do
    [ -e "$archive" ] || continue
    found=$((found + 1))
    bad=$(scripts/dev nm --undefined-only --print-file-name --demangle "$archive" |
        sed -nE 's/^([^ ]+): +U (.*)$/\1\t\2/p' |
        awk -F '\t' -v pattern="$pattern" '$2 ~ pattern { print "  " $1 ": " $2 }')
    if [ -n "$bad" ]; then
        printf 'purity: %s needs what it must be handed:\n%s\n' "${archive##*/}" "$bad"
        status=1
    fi
done
if [ "$found" -eq 0 ]; then
    echo "purity: nothing is built; run scripts/build $preset first"
    exit 1
fi
exit $status
