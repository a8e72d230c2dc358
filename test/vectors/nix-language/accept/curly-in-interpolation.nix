"${ { a = "}"; }.a } ${toString { }}"
