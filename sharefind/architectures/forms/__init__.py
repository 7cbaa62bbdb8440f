"""How the product of a tied layer is computed: forms that fit its labels, and what each of them costs."""
