"""python -m eval.blur GENERATED [GENERATED ...] --reference REAL: see eval/blur/command.py."""

from eval.blur.command import main

if __name__ == "__main__":
    main()
