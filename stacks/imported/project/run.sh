while true; do echo "$SAYS"; sleep 5; done
